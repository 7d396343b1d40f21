//! `coord serve` and `coord-api`

use insta::assert_snapshot;

use super::harness::{COORD_API, Ran, Serving, TOKEN, World, http, steady};

#[test]
fn it_says_where_it_listens_and_ends_on_signals() {
    let world = World::empty();
    for signal in ["TERM", "INT"] {
        let serving = world.serve(&[]);
        assert_eq!(http("GET", &format!("{}/health", serving.url()), None), (200, "ok".into()));
        serving.signal(signal);
        assert_eq!(serving.ended().1, Some(0));
    }
}

#[test]
fn it_does_not_start_without_a_token() {
    let world = World::empty();
    assert_snapshot!(world.at("home").coord(&["serve", "--port", "0"]), @"
    --- stderr
    error: COORD_AUTH_TOKEN is not set
    hint: set COORD_AUTH_TOKEN, or COORD_ALLOW_INSECURE_NO_AUTH=1 to let everybody in; `coord start` makes a token for you
    --- status 2
    ");
    assert!(!world.path("home/data").exists());
}

#[test]
fn it_does_where_that_is_asked_for() {
    let world = World::empty();
    let mut place =
        world.at("home").env("COORD_ALLOW_INSECURE_NO_AUTH", "1").start(&["serve", "--port", "0"]);
    let (status, _) = http("GET", &format!("{}/claims", place.url()), None);
    assert_eq!(status, 200);
    assert!(world.path("home/data/coordination.db").is_file());
    place.signal("TERM");
    while !place.line().is_empty() {}
}

#[test]
fn a_second_one_on_the_same_database() {
    let world = World::empty();
    let first = world.serve(&[]);
    let database = world.path("service.db");
    let second = world
        .at("home")
        .env("COORD_AUTH_TOKEN", TOKEN)
        .env("COORD_DATABASE_PATH", database.to_str().unwrap());
    assert_snapshot!(second.coord(&["serve", "--port", "0"]), @"
    --- stderr
    error: another coord serves [dir]/service.db (pid [pid])
    hint: stop the other one, give this one its own COORD_DATABASE_PATH, or set COORD_DISABLE_INSTANCE_LOCK=1 if both are meant to run
    --- status 1
    ");
    let allowed = second.env("COORD_DISABLE_INSTANCE_LOCK", "1").start(&["serve", "--port", "0"]);
    // What one grants the other knows.
    let clone = World::embedded();
    let at =
        |service: &Serving| clone.alice().env("COORD_API_URL", &service.url()).env("COORD_AUTH_TOKEN", TOKEN);
    at(&first).coord(&["claim", "docs"]).ok();
    assert_eq!(at(&allowed).coord(&["claims", "--json"]).json()["count"], 1);
    assert_eq!(
        at(&allowed)
            .env("COORD_ENGINEER", "bob")
            .env("COORD_SESSION_ID", "b")
            .coord(&["claim", "docs"])
            .status,
        Some(3)
    );
    drop(first);
    at(&allowed).coord(&["release", "--all"]).ok();
}

#[test]
fn the_lock_goes_with_its_holder() {
    let world = World::empty();
    drop(world.serve(&[]));
    world.serve(&[]);
}

#[test]
fn what_was_granted_outlives_a_kill() {
    let mut world = World::served();
    world.alice().coord(&["claim", "docs"]).ok();
    world.kill();
    assert_snapshot!(world.bob().coord(&["claim", "docs"]), @"
    --- stderr
    conflict: docs/ meets docs/ of alice/cli/main (01234567), held for another 4h
    hint: `coord claim docs --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
    --- status 3
    ");
}

#[test]
fn an_address_that_is_taken() {
    let world = World::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_snapshot!(world.at("home").env("COORD_AUTH_TOKEN", TOKEN).coord(&["serve", "--port", &port]), @"
    --- stderr
    error: cannot listen on 127.0.0.1:[port]
    caused by: Address already in use (os error 98)
    hint: choose another address with --host and --port
    --- status 1
    ");
}

#[test]
fn settings_that_make_no_sense() {
    let world = World::empty();
    let place = world.at("home").env("COORD_AUTH_TOKEN", TOKEN);
    assert_snapshot!(place.clone().env("COORD_PORT", "http").coord(&["serve"]), @r#"
    --- stderr
    error: COORD_PORT="http" is not a port
    hint: correct the variable, or unset it for its default
    --- status 2
    "#);
    assert_snapshot!(place.clone().env("COORD_DEFAULT_TTL_HOURS", "0").coord(&["serve"]), @r#"
    --- stderr
    error: COORD_DEFAULT_TTL_HOURS="0" is not between an hour and ten years, in hours
    hint: correct the variable, or unset it for its default
    --- status 2
    "#);
    assert_snapshot!(place.clone().env("COORD_DATABASE_PATH", "/dev/null/coord.db").coord(&["serve", "--port", "0"]), @"
    --- stderr
    error: cannot lock /dev/null/coord.db.lock
    caused by: File exists (os error 17)
    hint: make the directory writable, or set COORD_DISABLE_INSTANCE_LOCK=1
    --- status 1
    ");
    assert_snapshot!(place.coord(&["serve", "--port", "65536"]), @"
    --- stderr
    error: invalid value '65536' for '--port <PORT>': 65536 is not in 0..=65535

    For more information, try '--help'.
    --- status 2
    ");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let world = World::empty();
    world.write(
        "home/notes.txt",
        "these are notes, and not a database of any kind, however long they may be\n",
    );
    let place = world.at("home").env("COORD_AUTH_TOKEN", TOKEN);
    assert_snapshot!(place.coord(&["serve", "--port", "0", "--database", "notes.txt"]), @"
    --- stderr
    error: cannot open the database notes.txt
    caused by: file is not a database
    hint: check that it can be written and holds nothing else, or set COORD_DATABASE_PATH to another file
    --- status 1
    ");
    assert!(std::fs::read_to_string(world.path("home/notes.txt")).unwrap().starts_with("these are notes"));
}

#[test]
fn the_log_as_json() {
    let world = World::empty();
    let serving = world.serve(&[("COORD_LOG_JSON", "1")]);
    let token = Some(TOKEN);
    http("GET", &format!("{}/claims?engineer=secret-name", serving.url()), token);
    http("DELETE", &format!("{}/claims/some-id", serving.url()), Some("wrong-token"));
    http("GET", &format!("{}/nowhere", serving.url()), None);
    serving.signal("TERM");
    let (log, status) = serving.ended();
    assert_eq!(status, Some(0));
    let mut lines = Vec::new();
    for line in log.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["ts"].as_str().unwrap().ends_with('Z') && line["ts"].as_str().unwrap().len() == 27,
            "{line}"
        );
        assert_eq!(line["request_id"].as_str().unwrap().len(), 16);
        assert!(line["duration_ms"].is_f64());
        for varying in ["ts", "request_id", "duration_ms"] {
            line[varying] = varying.into();
        }
        lines.push(line.to_string());
    }
    assert_snapshot!(lines.join("\n"), @r#"
    {"duration_ms":"duration_ms","event":"http_request","level":"INFO","logger":"coordination.access","method":"GET","msg":"http_request","path":"/claims","request_id":"request_id","status":200,"ts":"ts"}
    {"duration_ms":"duration_ms","event":"http_request","level":"INFO","logger":"coordination.access","method":"DELETE","msg":"http_request","path":"/claims/{claim_id}","request_id":"request_id","status":401,"ts":"ts"}
    {"duration_ms":"duration_ms","event":"http_request","level":"INFO","logger":"coordination.access","method":"GET","msg":"http_request","path":"(unknown)","request_id":"request_id","status":404,"ts":"ts"}
    "#);
    assert!(!log.contains("secret") && !log.contains(TOKEN) && !log.contains("wrong-token"), "{log}");
}

#[test]
fn the_log_as_text() {
    let world = World::empty();
    let mut serving = world.serve(&[]);
    http("GET", &format!("{}/health", serving.url()), None);
    let line = serving.line();
    assert!(
        line.contains(" INFO coordination.access http_request method=GET path=/health status=200 "),
        "{line}"
    );
    assert!(!line.contains('\u{1b}'), "{line}");
}

#[test]
fn no_log_has_the_token() {
    let world = World::empty();
    for json in ["0", "1"] {
        let serving = world.serve(&[("COORD_LOG_JSON", json), ("COORD_LOG_LEVEL", "trace")]);
        let url = serving.url();
        http("GET", &format!("{url}/claims"), Some(TOKEN));
        http("GET", &format!("{url}/claims"), Some(&format!("{TOKEN}-and-more")));
        http("GET", &format!("{url}/claims?token={TOKEN}"), Some(TOKEN));
        http("DELETE", &format!("{url}/claims/{TOKEN}"), Some(TOKEN));
        http("GET", &format!("{url}/{TOKEN}"), Some(TOKEN));
        http(TOKEN, &format!("{url}/claims"), Some(TOKEN));
        assert!(!http("GET", &format!("{url}/metrics"), None).1.contains(TOKEN));
        serving.signal("TERM");
        let (log, status) = serving.ended();
        assert_eq!(status, Some(0));
        assert!(log.lines().count() >= 7, "{log}");
        assert!(!log.contains(TOKEN), "{log}");
    }
}

#[test]
fn every_line_of_a_request_has_its_id() {
    let world = World::embedded();
    let clone = world.path("app").display().to_string();
    let serving = world.serve(&[
        ("COORD_LOG_JSON", "1"),
        ("COORD_REPO_ROOT", &clone),
        ("COORD_LS_FILES_CACHE_TTL_SEC", "0"),
    ]);
    // From here on git does not list what is in there.
    std::fs::rename(world.path("app/.git"), world.path("app/no-git")).unwrap();
    http("GET", &format!("{}/conflicts?engineer=ada&pattern=a.ts", serving.url()), Some(TOKEN));
    serving.signal("TERM");
    let (log, _) = serving.ended();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> = lines.iter().map(|line| line["msg"].as_str().unwrap()).collect();
    assert_eq!(said, ["no list of files", "http_request"], "{log}");
    assert_eq!(lines[0]["request_id"], lines[1]["request_id"]);
    assert_eq!(lines[1]["request_id"].as_str().unwrap().len(), 16);
    assert_eq!(log.lines().nth(1).unwrap().matches("request_id").count(), 1);
}

#[test]
fn the_old_name_of_the_service() {
    let world = World::empty();
    let run = |place: super::harness::Place<'_>| -> Ran { place.run(COORD_API, &[]) };
    assert_snapshot!(run(world.at("home")), @"
    --- stderr
    error: COORD_AUTH_TOKEN is not set
    hint: set COORD_AUTH_TOKEN, or COORD_ALLOW_INSECURE_NO_AUTH=1 to let everybody in; `coord start` makes a token for you
    --- status 2
    ");
    let command =
        world.at("home").env("COORD_AUTH_TOKEN", TOKEN).env("COORD_PORT", "0").command(COORD_API, &[]);
    let serving = Serving::start(command);
    let url = serving.url();
    assert_snapshot!(steady(&world.path(""), &url), @"http://0.0.0.0:[port]");
    let url = url.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(http("GET", &format!("{url}/claims"), Some(TOKEN)).0, 200);
    assert_eq!(http("GET", &format!("{url}/claims"), None).0, 401);
    serving.signal("TERM");
    assert_eq!(serving.ended().1, Some(0));
}

#[test]
fn coord_api_says_what_it_is() {
    let world = World::empty();
    let run = |arguments: &[&str]| world.at("home").run(COORD_API, arguments);
    let help = run(&["--help"]).ok();
    for part in
        ["reachable from everywhere", "--host", "--port", "--database", "Examples:", "coord-api --host"]
    {
        assert!(help.stdout.contains(part), "{help}");
    }
    assert_snapshot!(run(&["--version"]), @"
    coord-api [version]
    --- status 0
    ");
    assert_eq!(run(&["--no-such-option"]).status, Some(2));
    let place = world.at("home").env("COORD_AUTH_TOKEN", TOKEN);
    let serving = Serving::start(place.command(COORD_API, &["--host", "127.0.0.1", "--port", "0"]));
    assert!(serving.url().starts_with("http://127.0.0.1:"));
}
