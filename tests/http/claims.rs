//! Taking, listing, extending and letting go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Server, TOKEN, claim};

fn listed(server: &Server, query: &str) -> Vec<String> {
    let list = server.call("GET", &format!("/claims{query}"), None).json();
    let patterns: Vec<String> = list["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["pattern"].as_str().unwrap().into())
        .collect();
    assert_eq!(list["count"], patterns.len());
    patterns
}

#[test]
fn a_grant_and_a_refusal() {
    let server = Server::start();
    let granted = server.claim("ada", &["src/auth/**", "docs/"]);
    assert_eq!(granted.header("content-type"), Some("application/json"));
    assert_eq!(granted.ids().len(), 2);
    let refused = server.claim("bob", &["src/*/x.ts"]);
    assert_eq!(refused.code(), 409);
    let refused = refused.json();
    assert_eq!(refused["claim_ids"], json!([]));
    assert_eq!(refused["options"], json!(["wait", "narrow_claim", "escalate", "override"]));
    let conflict = &refused["conflicts"][0];
    assert_eq!(conflict["overlap"], json!(["src/auth/x.ts"]));
    assert_eq!(conflict["conflicting_claim"]["engineer"], "ada");
    assert_eq!(refused["conflicts"].as_array().unwrap().len(), 1);
}

#[test]
fn what_makes_no_sense_is_a_400_in_the_shape_of_a_reply() {
    let server = Server::start();
    for (patterns, options) in [
        (&[][..], json!(["narrow_claim", "escalate"])),
        (&["!src"], json!(["narrow_claim"])),
        (&["a.ts", ""], json!(["narrow_claim"])),
        (&["src/[z-a]"], json!(["narrow_claim"])),
        (&["a/../b"], json!(["narrow_claim"])),
    ] {
        let response = server.claim("ada", patterns);
        assert_eq!(response.code(), 400, "{patterns:?}");
        let reply = response.json();
        assert_eq!((&reply["options"], &reply["claim_ids"]), (&options, &json!([])), "{patterns:?}");
        assert!(!reply["warnings"][0].as_str().unwrap().is_empty());
    }
    assert_eq!(server.active(), 0);
}

#[test]
fn fields_that_are_wrong_are_named() {
    let server = Server::start();
    let response =
        server.call("POST", "/claims", Some(&json!({"claims": [{"type": "file"}], "wait_seconds": 601})));
    assert_eq!(response.code(), 422);
    let detail = response.json()["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["loc"].to_string())
        .collect::<Vec<_>>();
    assert_eq!(
        detail,
        [r#"["body","engineer"]"#, r#"["body","claims",0,"pattern"]"#, r#"["body","wait_seconds"]"#]
    );
    let items: Vec<Value> =
        (0..1001).map(|number| json!({"type": "file", "pattern": format!("{number}")})).collect();
    let response = server.call("POST", "/claims", Some(&json!({"engineer": "ada", "claims": items})));
    assert_eq!((response.code(), response.json()["detail"][0]["type"].as_str()), (422, Some("too_long")));
}

#[test]
fn two_rooms_do_not_meet() {
    let server = Server::start();
    for (repo, status) in [
        (json!("o/r"), 200),
        (json!("o/other"), 200),
        (json!(""), 200),
        (Value::Null, 200),
        (json!("o/r"), 409),
    ] {
        let mut request = claim(&format!("eng-{repo}-{status}"), &["src/a.ts"]);
        request["repo"] = repo.clone();
        assert_eq!(server.call("POST", "/claims", Some(&request)).code(), status, "{repo}");
    }
    assert_eq!(listed(&server, "?repo=o/r").len(), 1);
    assert_eq!(listed(&server, "?repo=").len(), 1);
    assert_eq!(listed(&server, "").len(), 4);
    let repos = server.call("GET", "/repos", None).json();
    let names: Vec<&str> =
        repos["repos"].as_array().unwrap().iter().map(|row| row["repo"].as_str().unwrap()).collect();
    assert_eq!(names, ["", "o/other", "o/r"]);
}

#[test]
fn claims_that_are_over_are_listed_when_asked_for() {
    let server = Server::start();
    let ids = server.claim("ada", &["a.ts", "b.ts"]).ids();
    server.claim("bob", &["c.ts"]).ids();
    assert_eq!(server.call("DELETE", &format!("/claims/{}", ids[0]), None).json(), json!({"released": 1}));
    assert_eq!(listed(&server, "").len(), 2);
    assert_eq!(listed(&server, "?active_only=false"), ["c.ts", "b.ts", "a.ts"], "newest first");
    assert_eq!(listed(&server, "?active_only=false&engineer=ada&module=A.T"), ["a.ts"]);
    let rows = server.call("GET", "/claims?active_only=false", None).json();
    let over: Vec<bool> =
        rows["claims"].as_array().unwrap().iter().map(|row| row["released_at"].is_string()).collect();
    assert_eq!(over, [false, false, true]);
    let response = server.call("GET", "/claims?active_only=maybe", None);
    assert_eq!(
        (response.code(), response.json()["detail"][0]["loc"].clone()),
        (422, json!(["query", "active_only"]))
    );
}

#[test]
fn no_more_than_200_rows_with_those_that_are_over() {
    let server = Server::start();
    let files: Vec<String> = (0..150).map(|number| format!("f{number}.ts")).collect();
    let patterns: Vec<&str> = files.iter().map(String::as_str).collect();
    let ids = server.claim("ada", &patterns).ids();
    let released = server.call("POST", "/claims/release", Some(&json!({"claim_ids": ids})));
    assert_eq!(released.json(), json!({"released": 150}));
    server.claim("ada", &patterns).ids();
    assert_eq!(listed(&server, "").len(), 150);
    assert_eq!(listed(&server, "?active_only=false").len(), 200);
}

#[test]
fn lifetimes_in_seconds() {
    let server = Server::start();
    let mut request = claim("ada", &["a.ts"]);
    request["ttl_secs"] = 1.into();
    request["ttl_hours"] = 9.into();
    server.call("POST", "/claims", Some(&request)).ids();
    let until = Instant::now() + Duration::from_secs(60);
    while server.claim("bob", &["a.ts"]).code() != 200 {
        assert!(Instant::now() < until);
    }
    let over = server.call("GET", "/claims?active_only=false&engineer=ada", None).json();
    assert!(over["claims"][0]["released_at"].is_string());
    request["ttl_secs"] = 0.into();
    assert_eq!(server.call("POST", "/claims", Some(&request)).code(), 422);
}

#[test]
fn it_ends_by_itself_when_its_time_is_up() {
    let server = Server::start();
    let mut request = claim("ada", &["a.ts"]);
    request["ttl_secs"] = 1.into();
    server.call("POST", "/claims", Some(&request)).ids();
    let until = Instant::now() + Duration::from_secs(60);
    while server.active() > 0 {
        assert!(Instant::now() < until);
    }
}

#[test]
fn silent_sessions() {
    let server = Server::with(&[("COORD_AUTH_TOKEN", TOKEN), ("COORD_IDLE_TIMEOUT_SEC", "2")]);
    for (engineer, session) in [("ada", json!("silent")), ("bob", json!("active")), ("carol", Value::Null)] {
        let mut request = claim(engineer, &[&format!("{engineer}.ts")]);
        request["session_id"] = session;
        server.call("POST", "/claims", Some(&request)).ids();
    }
    let until = Instant::now() + Duration::from_secs(60);
    while listed(&server, "?session_id=active").contains(&"ada.ts".to_owned()) {
        assert!(Instant::now() < until);
    }
    let mut left = listed(&server, "?session_id=active");
    left.sort();
    assert_eq!(left, ["bob.ts", "carol.ts"]);
}

#[test]
fn extending() {
    let server = Server::start();
    let id = server.claim("ada", &["a.ts"]).ids().remove(0);
    let extend = |id: &str, body: Value| server.call("POST", &format!("/claims/{id}/extend"), Some(&body));
    let response = extend(&id, json!({"engineer": "ada", "ttl_secs": 90}));
    assert_eq!((response.code(), response.json()["ok"].clone()), (200, json!(true)));
    assert_eq!(extend(&id, json!({"engineer": "bob"})).code(), 404);
    assert_eq!(extend("no-such-claim", json!({"engineer": "ada"})).detail(), "Claim not found or not owned");
    assert_eq!(extend(&id, json!({"engineer": "ada", "ttl_hours": 0})).code(), 422);
    assert_eq!(extend(&id, json!({})).json()["detail"][0]["loc"], json!(["body", "engineer"]));
}

#[test]
fn letting_go() {
    let server = Server::start();
    let ids = server.claim("ada", &["a.ts", "b.ts"]).ids();
    let delete = |target: &str| server.call("DELETE", target, None).json()["released"].as_u64().unwrap();
    assert_eq!(delete(&format!("/claims/{}?engineer=bob", ids[0])), 0);
    assert_eq!(delete(&format!("/claims/{}?engineer=ada", ids[0])), 1);
    assert_eq!(delete(&format!("/claims/{}", ids[0])), 0);
    assert_eq!(delete("/claims/no%2Fsuch%20claim"), 0);
    let upper = ids[1].to_uppercase();
    assert!(delete(&format!("/claims/{upper}")) <= 1);
}

#[test]
fn a_session_ends_with_all_it_holds() {
    let server = Server::start();
    for engineer in ["ada", "bob"] {
        let mut request = claim(engineer, &[&format!("{engineer}.ts")]);
        request["session_id"] = "a b/c".into();
        server.call("POST", "/claims", Some(&request)).ids();
    }
    server.claim("carol", &["c.ts"]).ids();
    assert_eq!(server.call("POST", "/sessions/a%20b%2Fc/release", None).json(), json!({"released": 2}));
    assert_eq!(
        server.call("POST", "/sessions/a%20b%2Fc/release", Some(&json!(null))).json(),
        json!({"released": 0})
    );
    assert_eq!(listed(&server, ""), ["c.ts"]);
}

#[test]
fn of_many_who_ask_at_once_one_gets_it() {
    let server = Server::start();
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16)
            .map(|number| {
                let server = &server;
                scope.spawn(move || server.claim(&format!("eng-{number}"), &["lib/*/x.ts", "lib/y/*"]).code())
            })
            .collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|&&code| code == 200).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|&&code| code == 409).count(), 15, "{codes:?}");
}

#[test]
fn repositories_are_summed_up() {
    let server = Server::start();
    let id = server.claim("ada", &["a.ts"]).ids().remove(0);
    server.call("DELETE", &format!("/claims/{id}"), None);
    server.claim("bob", &["a.ts"]).ids();
    let mut row = server.call("GET", "/repos", None).json()["repos"][0].clone();
    row["last_activity"] = Value::Null;
    assert_eq!(
        row,
        json!({"repo": "o/r", "last_activity": null, "claims_24h": 2, "engineers_24h": 2, "active_claims": 1,
               "auto_resolutions_24h": {"auto_coexist": 0, "auto_narrow": 0}})
    );
}

#[test]
fn whose_file_is_narrowed_finds_a_notice() {
    let server = Server::start();
    let take = |engineer: &str, session: &str, symbols: serde_json::Value| {
        let item = json!({"type": "file", "pattern": "src/r.ts", "symbols": symbols});
        let body = json!({"engineer": engineer, "session_id": session, "repo": "r", "claims": [item]});
        server.call("POST", "/claims", Some(&body)).ids()[0].clone()
    };
    let inbox = |session: &str| {
        server.call("GET", &format!("/sessions/{session}/pending_requests"), None).json()["pending"].clone()
    };
    let held = take("ada", "a", json!(null));
    assert_eq!(inbox("a"), json!([]));
    let (get, put) = (take("bob", "b", json!(["get"])), take("cyd", "c", json!(["put"])));
    let notices = inbox("a");
    let brief: Vec<_> =
        notices.as_array().unwrap().iter().map(|row| (&row["requester_claim_id"], &row["symbols"])).collect();
    assert_eq!(brief, [(&json!(put), &json!(["put"])), (&json!(get), &json!(["get"]))]);
    assert!(notices[0]["kind"] == "auto-narrow-notice" && notices[0]["claim_id"] == *held, "{notices}");
    // Who was let in has nothing to be told, and what is over needs no telling.
    assert_eq!((inbox("b"), inbox("nobody")), (json!([]), json!([])));
    server.call("DELETE", &format!("/claims/{put}"), None);
    assert_eq!(inbox("a").as_array().unwrap().len(), 1);
}
