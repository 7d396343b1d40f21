//! `/conflicts`.

use serde_json::{Value, json};

use super::harness::{Server, claim};

fn check(server: &Server, body: &Value) -> Value {
    let response = server.call("POST", "/conflicts", Some(body));
    assert_eq!(response.code(), 200, "{response:?}");
    response.json()
}

#[test]
fn thousands_of_paths_in_one_request() {
    let server = Server::start();
    server.claim("ada", &["src/7*/**"]).ids();
    let paths: Vec<Value> =
        (0..5000).map(|number| json!({"path": format!("src/{number}/index.ts")})).collect();
    let reply = check(&server, &json!({"engineer": "bob", "repo": "o/r", "paths": paths}));
    // 7, 70 to 79, 700 to 799; those of four digits are there below 5000 only.
    assert_eq!(reply["conflicts"].as_array().unwrap().len(), 111);
    assert_eq!(reply["safe"], false);
    let reply = check(&server, &json!({"engineer": "ada", "repo": "o/r", "paths": paths}));
    assert_eq!(reply["safe"], true);
    let paths: Vec<Value> = (0..20_001).map(|number| json!({"path": format!("{number}")})).collect();
    let response = server.call("POST", "/conflicts", Some(&json!({"engineer": "bob", "paths": paths})));
    assert_eq!((response.code(), response.json()["detail"][0]["type"].as_str()), (422, Some("too_long")));
}

#[test]
fn by_address() {
    let server = Server::start();
    server.claim("ada", &["docs/a b.md"]).ids();
    let ask = |query: &str| server.call("GET", &format!("/conflicts?{query}"), None);
    assert_eq!(ask("engineer=bob&repo=o/r&pattern=docs%2Fa+b.md").json()["safe"], false);
    assert_eq!(ask("engineer=bob&repo=o/r&pattern=docs/b.md").json()["safe"], true);
    assert_eq!(ask("engineer=bob&pattern=docs/**").json()["safe"], false, "every repository");
    assert_eq!(ask("engineer=bob").code(), 400);
    assert_eq!(ask("pattern=a").json()["detail"][0]["loc"], json!(["query", "engineer"]));
    assert_eq!(ask("engineer=bob&pattern=!a").code(), 400);
    assert_eq!(ask("engineer=bob&pattern=").code(), 400);
}

#[test]
fn symbols_by_address_and_in_a_body() {
    let server = Server::start();
    let mut request = claim("ada", &["src/a.ts"]);
    request["claims"][0]["symbols"] = json!(["Router::get"]);
    server.call("POST", "/claims", Some(&request)).ids();
    let ask =
        |query: &str| server.call("GET", &format!("/conflicts?engineer=bob&repo=o/r&{query}"), None).json();
    assert_eq!(ask("pattern=src/a.ts")["safe"], false);
    assert_eq!(ask("symbol=src/a.ts::Router::put")["safe"], true);
    assert_eq!(
        ask("pattern=src/a.ts&symbol=src/a.ts::Router")["conflicts"][0]["symbols"],
        json!(["Router::get"])
    );
    let body = |symbols: Value| json!({"engineer": "bob", "repo": "o/r", "paths": [{"path": "src/a.ts", "symbols": symbols}]});
    assert_eq!(check(&server, &body(json!(["put"])))["safe"], true);
    let held = check(&server, &body(json!(["Router"])));
    assert_eq!(held["conflicts"][0]["symbol_overlap"][0]["file"], "src/a.ts");
    assert_eq!(server.call("GET", "/conflicts?engineer=bob&symbol=a.ts", None).code(), 400);
}

#[test]
fn paths_mean_themselves() {
    let server = Server::start();
    let mut request = claim("ada", &["app/[id]/page.tsx"]);
    request["claims"][0]["literal"] = true.into();
    server.call("POST", "/claims", Some(&request)).ids();
    let safe = |body: Value| check(&server, &body)["safe"].clone();
    assert_eq!(
        safe(json!({"engineer": "bob", "repo": "o/r", "paths": [{"path": "app/[id]/page.tsx"}]})),
        false
    );
    assert_eq!(safe(json!({"engineer": "bob", "repo": "o/r", "paths": [{"path": "app/i/page.tsx"}]})), true);
    assert_eq!(safe(json!({"engineer": "bob", "repo": "o/r", "patterns": ["app/[id]/page.tsx"]})), true);
}
