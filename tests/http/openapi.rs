//! The description of the API, held against the route table and against every reply that these tests get.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use coord::server::served;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::harness::{Response, Server};

/// Statuses that the description tells of once for all paths.
const EVERYWHERE: [u16; 3] = [307, 404, 405];

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// Fails unless a reply is one that the description tells of. Paths that are not served are let pass.
#[track_caller]
pub(crate) fn conforms(method: &str, target: &str, response: &Response) {
    let Some(template) = template(target.split('?').next().unwrap()) else { return };
    let operation = &DESCRIPTION["paths"][template][method.to_lowercase()];
    let (code, place) = (response.code(), format!("{method} {template} {}", response.code()));
    let described = resolve(&operation["responses"][code.to_string()]);
    if described.is_null() {
        assert!(EVERYWHERE.contains(&code), "{place} is not described: {response:?}");
        return;
    }
    for header in described["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        let always = code == 503 || response.json()["detail"].is_string();
        assert!(!always || response.header(&header.to_lowercase()).is_some(), "{place}: no {header}");
    }
    let Some(content) = described["content"].as_object() else {
        return assert_eq!(response.body, "", "{place}");
    };
    let kind = response.header("content-type").unwrap().split(';').next().unwrap();
    let schema = content.get(kind).unwrap_or_else(|| panic!("{place}: {kind} is not described"));
    let body = if kind == "application/json" { response.json() } else { json!(response.body) };
    let errors: Vec<String> = validator(&schema["schema"])
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{place}: {errors:#?}");
}

/// The described path that a path is one of; the one with the fewest variable parts.
fn template(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let named: Vec<&str> = template.split('/').collect();
        let same = |(name, part): (&&str, &&str)| name == part || (name.starts_with('{') && !part.is_empty());
        named.len() == parts.len() && named.iter().zip(&parts).all(same)
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap().keys();
    paths.filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

/// What is described, itself or by reference.
fn resolve(described: &'static Value) -> &'static Value {
    match described["$ref"].as_str() {
        Some(reference) => DESCRIPTION.pointer(reference.trim_start_matches('#')).unwrap(),
        None => described,
    }
}

/// A validator of a schema of the description, made once.
fn validator(schema: &Value) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let make = || {
        let root = json!({ "allOf": [schema], "components": DESCRIPTION["components"] });
        Arc::new(jsonschema::validator_for(&root).unwrap())
    };
    made.entry(schema.to_string()).or_insert_with(make).clone()
}

#[test]
fn it_has_every_route_and_no_other() {
    let methods = |item: &Value| -> BTreeSet<String> {
        item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect()
    };
    let paths = DESCRIPTION["paths"].as_object().unwrap();
    let described: BTreeMap<&str, _> =
        paths.iter().map(|(path, item)| (path.as_str(), methods(item))).collect();
    let set = |allowed: &str| allowed.split(", ").map(String::from).collect();
    let served: BTreeMap<&str, BTreeSet<String>> =
        served().map(|(path, allowed)| (path, set(allowed))).collect();
    assert_eq!(described, served);
}

#[test]
fn it_is_served_to_everybody() {
    let server = Server::start();
    let told = server.raw(&format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.address));
    assert_eq!((told.code(), told.header("content-type")), (200, Some("application/json")));
    let told = told.json();
    assert_eq!(told["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["paths"], DESCRIPTION["paths"]);
}

#[test]
fn paths_without_a_token_are_those_that_need_none() {
    let server = Server::start();
    for (path, methods) in served() {
        let target = path.replace(['{', '}'], "");
        for method in methods.split(", ") {
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
                server.address
            );
            let open = DESCRIPTION["paths"][path][method.to_lowercase()]["security"] == json!([]);
            assert_eq!(server.raw(&request).code() != 401, open, "{method} {path}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let text = DESCRIPTION.to_string();
    let told: BTreeSet<&str> =
        text.split(r##""$ref":"#"##).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for reference in &told {
        assert!(DESCRIPTION.pointer(reference).is_some(), "{reference}");
    }
    for kind in ["schemas", "responses"] {
        for name in DESCRIPTION["components"][kind].as_object().unwrap().keys() {
            assert!(told.contains(format!("/components/{kind}/{name}").as_str()), "nobody uses {name}");
        }
    }
}

#[test]
fn requests_as_described_are_taken() {
    let server = Server::start();
    let described = |name: &str| validator(&json!({ "$ref": format!("#/components/schemas/{name}") }));
    let claim = json!({"engineer": "ada", "repo": "o/r", "ttl_hours": 1, "urgency": "high", "session_id": null,
                       "claims": [{"type": "file", "pattern": "a.ts", "symbols": ["A::b"], "literal": true}]});
    let check = json!({"engineer": "bob", "repo": "o/r", "paths": [{"path": "a.ts", "symbols": ["A"]}]});
    for (target, name, body) in [
        ("/claims", "ClaimRequest", claim),
        ("/conflicts", "CheckRequest", check),
        ("/claims/release", "ReleaseRequest", json!({"claim_ids": ["x"]})),
        ("/outbox/retry", "RetryRequest", json!({"which": "all", "dry_run": true})),
        ("/outbox/purge", "PurgeRequest", json!({"which": "all-terminal"})),
        ("/metrics/hotspots/promote", "PromoteRequest", json!({"action": "split", "pattern": "a.ts"})),
    ] {
        assert!(described(name).is_valid(&body), "{body}");
        assert_eq!(server.call("POST", target, Some(&body)).code(), 200, "{target}");
    }
    assert!(!described("ClaimRequest").is_valid(&json!({"engineer": "ada"})));
}
