//! Rules and hotspots: what is kept, who is told, and that changes at the same moment do not lose each other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Response, Server, TOKEN, claim};

/// How long something that happens by itself may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const RULES: &str = "areas:
  core:
    paths: [src/core/**]
    owners: [team-core, alex]
    severity: hard
";

/// Uploads rules as they are.
#[track_caller]
fn upload(server: &Server, text: &[u8]) -> Response {
    let mut connection = server.connect();
    let head = format!(
        "POST /config/ownership HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        server.address,
        text.len()
    );
    connection.send(head);
    connection.try_send(text);
    connection.response().unwrap()
}

fn stored(server: &Server) -> String {
    server.call("GET", "/config/ownership", None).body
}

fn promote(server: &Server, pattern: &str) -> Response {
    let body = json!({"action": "shared_file", "pattern": pattern});
    server.call("POST", "/metrics/hotspots/promote", Some(&body))
}

/// Waits until the rules are as they must be.
#[track_caller]
fn stored_until(server: &Server, done: impl Fn(&str) -> bool) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = stored(server);
        if done(&text) {
            return text;
        }
        assert!(Instant::now() < until, "it never happened; last:\n{text}");
    }
}

fn warnings(response: &Response) -> Vec<String> {
    assert_eq!(response.code(), 200, "{response:?}");
    let warnings = response.json()["warnings"].as_array().unwrap().clone();
    warnings.iter().map(|line| line.as_str().unwrap().into()).collect()
}

#[test]
fn rules_are_kept_to_the_letter_and_outlive_the_service() {
    let directory = tempfile::TempDir::new().unwrap();
    let database = directory.path().join("coord.db");
    let server = Server::at(&database);
    let none = server.call("GET", "/config/ownership", None);
    assert_eq!((none.code(), none.body.as_str()), (204, ""));
    let odd = "\u{feff}# é\r\nareas: {a: {paths: [x]}}\r\n\r\n";
    assert_eq!(upload(&server, odd.as_bytes()).json(), json!({"ok": true, "rules": 1}));
    drop(server);
    let server = Server::at(&database);
    let kept = server.call("GET", "/config/ownership", None);
    assert_eq!((kept.body.as_str(), kept.header("content-type")), (odd, Some("text/yaml; charset=utf-8")));
}

#[test]
fn what_makes_no_sense_is_named_and_what_is_too_long_is_a_413() {
    let server = Server::start();
    assert_eq!(
        upload(&server, b"areas:\n  a:\n    paths: [7]\n").detail(),
        "line 3, column 13, areas.a.paths[0]: a path must be a text; write '7' in quotes"
    );
    assert_eq!(upload(&server, b"areas: \xff").detail(), "The rules are not UTF-8");
    let fits = format!("areas: {{a: {{paths: [x]}}}}\n{}", "# x\n".repeat((1 << 18) - 8));
    assert_eq!(upload(&server, fits.as_bytes()).code(), 200);
    assert_eq!(upload(&server, &vec![b'#'; (1 << 20) + 1]).code(), 413);
    let full = promote(&server, &"x".repeat(100));
    assert_eq!((full.code(), full.detail().contains("more than 1048576 bytes")), (400, true));
    assert_eq!(stored(&server), fits);
}

#[test]
fn owners_are_named_to_who_is_not_among_them() {
    let server = Server::start();
    upload(&server, RULES.as_bytes());
    let told =
        "src/core/** is owned by team-core, alex (areas.core): ask them first, as the rule is a hard one";
    assert_eq!(warnings(&server.claim("bob/claude/main", &["src/core/a.ts"])), [told]);
    assert_eq!(warnings(&server.claim("alex/claude/main", &["src/core/b.ts"])), [""; 0]);
    assert_eq!(warnings(&server.claim("bob/claude/main", &["src/b.ts"])), [""; 0]);
}

#[test]
fn what_is_left_of_a_narrowed_claim_has_its_own_severity() {
    let server = Server::start();
    upload(&server, RULES.as_bytes());
    let id = server.claim("ada", &["src/**"]).ids().remove(0);
    let ask = json!({"claim_id": id, "requester": "bob", "wait_seconds": 0});
    let request = server.call("POST", "/requests", Some(&ask)).json();
    let answer = json!({"decision": "narrowed", "engineer": "ada", "narrowed_pattern": "src/web/**"});
    let respond = format!("/requests/{}/respond", request["id"].as_str().unwrap());
    assert_eq!(server.call("POST", &respond, Some(&answer)).code(), 200);
    let claims = server.call("GET", "/claims", None).json();
    assert_eq!(
        (&claims["claims"][0]["pattern"], &claims["claims"][0]["severity"]),
        (&json!("src/web/**"), &json!("soft"))
    );
}

#[test]
fn promotions_at_the_same_moment_are_all_kept() {
    let directory = tempfile::TempDir::new().unwrap();
    let database = directory.path().join("coord.db");
    let servers = [Server::at(&database), Server::at(&database)];
    std::thread::scope(|scope| {
        for (at, server) in servers.iter().enumerate() {
            for n in 0..8 {
                scope.spawn(move || assert_eq!(promote(server, &format!("f{at}-{n}.ts")).code(), 200));
            }
        }
    });
    let text = stored(&servers[0]);
    assert_eq!(text, stored(&servers[1]));
    for name in (0..2).flat_map(|at| (0..8).map(move |n| format!("f{at}-{n}.ts"))) {
        assert!(text.contains(&name), "{name} is not in\n{text}");
    }
}

#[test]
fn what_waited_in_vain_is_counted_and_shared_too() {
    let server = Server::with(&[("COORD_AUTH_TOKEN", TOKEN), ("COORD_AUTO_PROMOTE_THRESHOLD", "2")]);
    server.claim("ada", &["src/**"]);
    let mut waits = claim("bob", &["src/[id].ts"]);
    waits["claims"][0]["literal"] = json!(true);
    waits["wait_seconds"] = json!(1);
    assert_eq!(server.call("POST", "/claims", Some(&waits)).code(), 409);
    assert_eq!(stored(&server), "");
    assert_eq!(server.call("POST", "/claims", Some(&waits)).code(), 409);
    let text = stored_until(&server, |text| !text.is_empty());
    assert!(text.contains("'src/[[]id].ts'  # auto-promoted=20"), "{text}");
}

#[test]
fn nobody_shares_a_whole_directory_by_asking_for_it() {
    let server = Server::with(&[("COORD_AUTH_TOKEN", TOKEN), ("COORD_AUTO_PROMOTE_THRESHOLD", "1")]);
    server.claim("ada", &["src/**"]);
    assert_eq!(server.claim("bob", &["**", "src/", "src/*.ts"]).code(), 409);
    assert_eq!(server.claim("bob", &["src/a.ts"]).code(), 409);
    let text = stored_until(&server, |text| !text.is_empty());
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn what_cooled_down_is_taken_back_unless_that_is_switched_off() {
    let cold = "shared_files:\n  - a.ts  # auto-promoted=2020-01-01\n  - b.ts\n";
    let auto = [
        ("COORD_AUTH_TOKEN", TOKEN),
        ("COORD_AUTO_PROMOTE_THRESHOLD", "1"),
        ("COORD_AUTO_DEMOTE_INTERVAL_SEC", "1"),
    ];
    let sweeping = Server::with(&auto);
    let resting = Server::with(&[&auto[..], &[("COORD_DISABLE_BACKGROUND_CLEANUP", "1")]].concat());
    for server in [&resting, &sweeping] {
        assert_eq!(upload(server, cold.as_bytes()).json(), json!({"ok": true, "rules": 0}));
    }
    assert_eq!(stored_until(&sweeping, |text| !text.contains("a.ts")), "shared_files:\n  - b.ts\n");
    assert_eq!(stored(&resting), cold);
}

#[test]
fn hotspots_say_what_the_rules_do() {
    let server = Server::start();
    server.claim("ada", &["src/**"]);
    assert_eq!(server.claim("bob", &["src/a.ts"]).code(), 409);
    assert_eq!(promote(&server, "src/a.ts").json()["applied"], json!(true));
    let list = server.call("GET", "/metrics/hotspots?min_attempts=1", None).json();
    let row: &Value = &list["series"][0];
    assert_eq!((&row["shared_by"], &row["split_suggested_at"]), (&json!("src/a.ts"), &Value::Null));
    assert_eq!(list["hotspots"], list["series"]);
}
