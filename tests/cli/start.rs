//! `coord start`

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use super::harness::{COORD, DEADLINE, Serving, TOKEN, World, http};

/// A port that nobody listens on right now.
fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Ends the service of a world when a test is over, however it ended.
struct Stopped<'a>(&'a World);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.at("home").coord(&["stop"]);
    }
}

#[test]
fn in_the_background_twice() {
    let world = World::embedded();
    let port = free_port();
    let _stopped = Stopped(&world);
    let start = ["start", "--background", "--port", &port];
    assert_snapshot!(world.at("home").coord(&start), @"
    API URL:       http://127.0.0.1:[port]
    Dashboard URL: http://127.0.0.1:[port]/dashboard
    Database path: [dir]/coord-home/data/coordination.db
    Token file:    [dir]/coord-home/token
    Process:       [pid], ended by `coord stop`

    To use it from this shell:
      export COORD_API_URL=http://127.0.0.1:[port]
      export COORD_AUTH_TOKEN=[token]
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&start), @"
    API URL:       http://127.0.0.1:[port]
    Dashboard URL: http://127.0.0.1:[port]/dashboard
    Database path: [dir]/coord-home/data/coordination.db
    Token file:    [dir]/coord-home/token
    Process:       [pid], ended by `coord stop`

    To use it from this shell:
      export COORD_API_URL=http://127.0.0.1:[port]
      export COORD_AUTH_TOKEN=[token]
    --- stderr
    a coordination service is already running at http://127.0.0.1:[port]
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", &port, "--json"]), @r#"
    {"api_url":"http://127.0.0.1:[port]","dashboard_url":"http://127.0.0.1:[port]/dashboard","database_path":"[dir]/coord-home/data/coordination.db","token_file":"[dir]/coord-home/token","auth_token":"[token]","pid":[pid]}
    --- stderr
    a coordination service is already running at http://127.0.0.1:[port]
    --- status 0
    "#);
    let mode = |name: &str| {
        std::fs::metadata(world.path("coord-home").join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("token"), mode("coord.pid"), mode("coord.log")), (0o600, 0o600, 0o600));
    assert_eq!((mode(""), mode("data")), (0o700, 0o700));
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    stopped the service (pid [pid])
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    --- stderr
    no service runs in the background
    --- status 0
    ");
}

#[test]
fn what_it_prints_is_what_a_shell_needs() {
    let world = World::embedded();
    let port = free_port();
    let _stopped = Stopped(&world);
    let line = format!(
        "eval \"$(coord start --background --port {port} | grep export)\"; coord claim docs && coord claims --json"
    );
    let ran = world.alice().shell(&line).ok();
    assert!(ran.stdout.contains("\"count\": 1"), "{ran}");
    assert_eq!(world.alice().coord(&["claims", "--json"]).json()["count"], 0, "not in the clone's own");
}

#[test]
fn the_token_and_the_claims_are_kept() {
    let world = World::embedded();
    let _stopped = Stopped(&world);
    let start = || {
        let port = free_port();
        world.at("home").coord(&["start", "--background", "--port", &port, "--json"]).ok().json()
    };
    let first = start();
    let there = |started: &serde_json::Value| {
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        world.alice().env("COORD_API_URL", &text("api_url")).env("COORD_AUTH_TOKEN", &text("auth_token"))
    };
    there(&first).coord(&["claim", "docs"]).ok();
    world.at("home").coord(&["stop"]).ok();
    let second = start();
    assert_eq!(first["auth_token"], second["auth_token"]);
    assert_eq!(there(&second).coord(&["claims", "--json"]).json()["count"], 1);
}

#[test]
fn another_port_while_one_runs() {
    let world = World::embedded();
    let _stopped = Stopped(&world);
    world.at("home").coord(&["start", "--background", "--port", &free_port()]).ok();
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", &free_port()]), @"
    --- stderr
    error: this machine's coordination service runs at http://127.0.0.1:[port] (pid [pid])
    hint: use that one, or end it first: `coord stop`
    --- status 1
    ");
    // The first is still the one that `coord stop` knows.
    world.at("home").coord(&["stop"]).ok();
}

#[test]
fn an_address_that_another_program_has() {
    let world = World::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // It takes connections and says nothing.
    std::thread::spawn(move || {
        while let Ok((stream, _)) = taken.accept() {
            drop(stream)
        }
    });
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", &port]), @"
    --- stderr
    error: the service did not start: cannot listen on 127.0.0.1:[port]: Address already in use (os error 98)
    hint: choose another address with --host and --port
    hint: its log is [dir]/coord-home/coord.log
    --- status 1
    ");
    assert!(!world.path("coord-home/coord.pid").exists());
}

#[test]
fn an_address_that_another_service_has() {
    let world = World::empty();
    let other = world.serve(&[]);
    let url = other.url();
    let port = url.rsplit(':').next().unwrap();
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", port]), @"
    --- stderr
    error: another coordination service, on [dir]/service.db, runs at http://127.0.0.1:[port]
    hint: use that one, or choose another port: `coord start --port 8081`
    --- status 1
    ");
}

#[test]
fn an_impostor_is_not_taken_for_ours() {
    let world = World::empty();
    std::fs::create_dir_all(world.path("coord-home/data")).unwrap();
    let database = world.path("coord-home/data/coordination.db");
    let path = database.to_str().unwrap();
    // It says that it serves our database, but no process holds the lock on that.
    let impostor = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = impostor.local_addr().unwrap().port().to_string();
    let body = format!(r#"{{"status":"ready","version":"1","auth_mode":"bearer","database_path":"{path}"}}"#);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = impostor.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", &port]), @"
    --- stderr
    error: something at http://127.0.0.1:[port] passes itself off as this machine's coordination service
    hint: find out what listens there, or choose another port: `coord start --port 8081`
    --- status 1
    ");
    // In the foreground it is ours, though nobody recorded it.
    let serving = world.at("home").start(&["start", "--port", "0"]);
    let port = serving.url().rsplit(':').next().unwrap().to_owned();
    let ran = world.at("home").coord(&["start", "--background", "--port", &port]).ok();
    assert!(ran.stderr.contains("already running"), "{ran}");
}

#[test]
fn many_at_once_are_one() {
    let world = World::empty();
    let _stopped = Stopped(&world);
    let port = free_port();
    let start = || world.at("home").coord(&["start", "--background", "--port", &port, "--json"]).ok().json();
    let started: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(started.iter().all(|one| *one == started[0]), "{started:?}");
}

#[test]
fn ended_before_it_was_ready_it_is_on_record() {
    let world = World::empty();
    let mut start =
        world.at("home").command(COORD, &["start", "--background", "--port", &free_port()]).spawn().unwrap();
    let record = world.path("coord-home/coord.pid");
    let until = std::time::Instant::now() + DEADLINE;
    while !record.exists() {
        assert!(std::time::Instant::now() < until);
    }
    start.kill().unwrap();
    start.wait().unwrap();
    let ran = world.at("home").coord(&["stop"]).ok();
    assert!(ran.stdout.starts_with("stopped the service"), "{ran}");
}

#[test]
fn a_token_file_that_holds_something_else() {
    let world = World::empty();
    world.write("coord-home/token", "my notes\n");
    assert_snapshot!(world.at("home").coord(&["start", "--background", "--port", "0"]), @"
    --- stderr
    error: [dir]/coord-home/token holds no token
    hint: move it away, and a token is made; or set COORD_HOME to another directory
    --- status 1
    ");
    assert_eq!(std::fs::read_to_string(world.path("coord-home/token")).unwrap(), "my notes\n");
}

#[test]
fn a_checkout_is_found_from_where_it_was_named() {
    let world = World::embedded();
    let _stopped = Stopped(&world);
    let place = world.at("app").env("COORD_REPO_ROOT", ".");
    let started = place.coord(&["start", "--background", "--port", "0", "--json"]).ok().json();
    let environment = std::fs::read(format!("/proc/{}/environ", started["pid"]));
    if let Ok(environment) = environment {
        let wanted = format!("COORD_REPO_ROOT={}", world.path("app").display());
        let text = String::from_utf8_lossy(&environment).into_owned();
        assert!(text.split('\0').any(|pair| pair.trim_end_matches("/.") == wanted), "{text}");
    }
}

#[test]
fn any_free_port() {
    let world = World::empty();
    let _stopped = Stopped(&world);
    let ran = world.at("home").coord(&["start", "--background", "--port", "0", "--json"]).ok();
    let url = ran.json()["api_url"].as_str().unwrap().to_owned();
    assert_eq!(http("GET", &format!("{url}/health"), None).0, 200);
}

#[test]
fn in_the_foreground() {
    let world = World::empty();
    let serving = world.at("home").start(&["start", "--port", "0", "--json"]);
    let token = std::fs::read_to_string(world.path("coord-home/token")).unwrap();
    assert_eq!(http("GET", &format!("{}/claims", serving.url()), Some(token.trim())).0, 200);
    serving.signal("INT");
    assert_eq!(serving.ended().1, Some(0));
}

#[test]
fn a_home_that_cannot_be_written() {
    let world = World::empty();
    world.write("file", "");
    let place = world.at("home").env("COORD_HOME", world.path("file/home").to_str().unwrap());
    assert_snapshot!(place.coord(&["start", "--background", "--port", "0"]), @"
    --- stderr
    error: cannot use [dir]/file/home: Not a directory (os error 20)
    hint: set COORD_HOME to a directory that you can write
    --- status 1
    ");
}

#[test]
fn settings_that_make_no_sense() {
    let world = World::empty();
    let place = world.at("home").env("COORD_IDLE_TIMEOUT_SEC", "soon");
    assert_snapshot!(place.coord(&["start", "--background", "--port", "0"]), @r#"
    --- stderr
    error: COORD_IDLE_TIMEOUT_SEC="soon" is not a whole number of at least 0
    hint: correct the variable, or unset it for its default
    --- status 2
    "#);
    let place = world.at("home").env("COORD_START_READY_TIMEOUT_SEC", "soon");
    assert_snapshot!(place.coord(&["start", "--background", "--port", "0"]), @r#"
    --- stderr
    error: COORD_START_READY_TIMEOUT_SEC="soon" is not a number of seconds
    hint: correct the variable, or unset it for its default
    --- status 2
    "#);
}

#[test]
fn the_environment_does_not_move_it() {
    let world = World::empty();
    let _stopped = Stopped(&world);
    let place = world.at("home").env("COORD_AUTH_TOKEN", TOKEN).env("COORD_DATABASE_PATH", "elsewhere.db");
    let started = place.coord(&["start", "--background", "--port", &free_port(), "--json"]).ok().json();
    assert_ne!(started["auth_token"], TOKEN);
    let url = started["api_url"].as_str().unwrap();
    assert_eq!(http("GET", &format!("{url}/claims"), Some(TOKEN)).0, 401);
    assert_eq!(http("GET", &format!("{url}/claims"), started["auth_token"].as_str()).0, 200);
    assert!(world.path("coord-home/data/coordination.db").is_file());
}

#[test]
fn a_clone_set_up_for_it_finds_it() {
    let world = World::embedded();
    let home = world.path("coord-home");
    let serving: Serving = world.at("home").start(&["start", "--port", "0"]);
    world.write(
        "app/.coordination/config.toml",
        &format!("mode = \"local\"\nservice_url = \"{}\"\n", serving.url()),
    );
    assert!(home.join("token").is_file());
    assert_snapshot!(world.alice().coord(&["status"]), @"
    Claims kept in  http://127.0.0.1:[port] ready (coord [version])
      because of    service_url in [dir]/app/.coordination/config.toml
    Repository      app (from the git clone)
    You are         alice/cli/main
    Session         [session]
    Active claims   0, 0 of them yours
    --- status 0
    ");
}

#[test]
fn on_an_ipv6_address() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let world = World::embedded();
    let _stopped = Stopped(&world);
    let started = world
        .at("home")
        .coord(&["start", "--background", "--host", "::1", "--port", "0", "--json"])
        .ok()
        .json();
    let url = started["api_url"].as_str().unwrap();
    assert!(url.starts_with("http://[::1]:"), "{url}");
    let place = world
        .alice()
        .env("COORD_API_URL", url)
        .env("COORD_AUTH_TOKEN", started["auth_token"].as_str().unwrap());
    place.coord(&["claim", "docs"]).ok();
}
