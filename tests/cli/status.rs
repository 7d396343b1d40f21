//! `coord status`

use insta::assert_snapshot;

use super::harness::{TOKEN, World};

#[test]
fn embedded() {
    let world = World::embedded();
    world.bob().coord(&["claim", "docs"]).ok();
    assert_snapshot!(world.alice().coord(&["status"]), @"
    Claims kept in  [dir]/app/.git/coord/coord.db (this clone alone)
    Repository      app (from the git clone)
    You are         alice/cli/main
    Session         [session]
    Active claims   1, 0 of them yours
    --- status 0
    ");
    assert_snapshot!(world.bob().within("src").coord(&["status", "--json"]), @r#"
    {
      "active_claims": 1,
      "database_path": "[dir]/app/.git/coord/coord.db",
      "engineer": "alice/cli/bob",
      "local_service_url": null,
      "mode": "embedded",
      "my_claims": 1,
      "repo": "app",
      "service_url": null,
      "service_version": null,
      "session_id": "[session]"
    }
    --- status 0
    "#);
}

#[test]
fn served() {
    let world = World::served();
    world.bob().coord(&["claim", "docs"]).ok();
    assert_snapshot!(world.alice().coord(&["status"]), @"
    Claims kept in  http://127.0.0.1:[port] ready (coord [version])
      because of    COORD_API_URL in the environment
    Repository      app (from the git clone)
    You are         alice/cli/main
    Session         [session]
    Active claims   1, 0 of them yours
    --- status 0
    ");
    assert_snapshot!(world.bob().coord(&["status", "--json"]), @r#"
    {
      "active_claims": 1,
      "database_path": null,
      "engineer": "alice/cli/bob",
      "local_service_url": null,
      "mode": "service",
      "my_claims": 1,
      "repo": "app",
      "service_url": "http://127.0.0.1:[port]",
      "service_version": "[version]",
      "session_id": "[session]"
    }
    --- status 0
    "#);
}

#[test]
fn a_service_that_is_down() {
    let world = World::embedded();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = world.alice().env("COORD_API_URL", &format!("http://{free}"));
    assert_snapshot!(away.coord(&["status"]), @"
    --- stderr
    error: no coordination service answers at http://127.0.0.1:[port]
    caused by: io: Connection refused (os error 111)
    hint: start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env
    --- status 4
    ");
    assert_snapshot!(away.coord(&["claim", "docs"]), @"
    --- stderr
    error: no coordination service answers at http://127.0.0.1:[port]
    caused by: io: Connection refused (os error 111)
    hint: start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env
    --- status 4
    ");
    assert_snapshot!(away.coord(&["check", "docs", "--json"]), @"
    --- stderr
    error: no coordination service answers at http://127.0.0.1:[port]
    caused by: io: Connection refused (os error 111)
    hint: start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env
    --- status 4
    ");
}

#[test]
fn a_wrong_token_and_none() {
    let world = World::served();
    assert_snapshot!(world.alice().env("COORD_AUTH_TOKEN", "wrong").coord(&["status"]), @"
    --- stderr
    error: the service at http://127.0.0.1:[port] does not accept the token: Invalid bearer token
    hint: set COORD_AUTH_TOKEN to the service's token, or correct it in .coordination/local.env
    --- status 4
    ");
    assert_snapshot!(world.alice().env("COORD_AUTH_TOKEN", "").coord(&["claim", "docs"]), @"
    --- stderr
    error: the service at http://127.0.0.1:[port] does not accept the token: Missing bearer token
    hint: set COORD_AUTH_TOKEN to the service's token, or correct it in .coordination/local.env
    --- status 4
    ");
    assert_snapshot!(world.alice().env("COORD_AUTH_TOKEN", "caf\u{e9}").coord(&["claims"]), @"
    --- stderr
    error: COORD_AUTH_TOKEN in the environment is not a usable token: it may only hold visible ASCII characters
    hint: put the service's token into COORD_AUTH_TOKEN in the environment
    --- status 1
    ");
}

#[test]
fn an_address_that_makes_no_sense() {
    let world = World::embedded();
    assert_snapshot!(world.alice().env("COORD_API_URL", "localhost:8080").coord(&["status"]), @"
    --- stderr
    error: COORD_API_URL in the environment is not a usable service address: it does not start with http:// or https://
    hint: give it as http://HOST:PORT or https://HOST
    --- status 1
    ");
}

#[test]
fn a_program_that_is_no_coordination_service() {
    let world = World::embedded();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
            .unwrap();
    });
    assert_snapshot!(world.alice().env("COORD_API_URL", &url).coord(&["status"]), @"
    --- stderr
    error: what answers at http://127.0.0.1:[port] is no coordination service, or none that this coord knows
    hint: correct COORD_API_URL or .coordination/local.env
    --- status 4
    ");
    other.join().unwrap();
}

#[test]
fn the_clones_own_file_configures_it() {
    let world = World::embedded();
    let service = world.serve(&[]);
    world.write(
        "app/.coordination/local.env",
        &format!("COORD_API_URL={}\nCOORD_AUTH_TOKEN={TOKEN}\n", service.url()),
    );
    assert_snapshot!(world.alice().within("src").coord(&["status"]), @"
    Claims kept in  http://127.0.0.1:[port] ready (coord [version])
      because of    COORD_API_URL in [dir]/app/.coordination/local.env
    Repository      app (from the git clone)
    You are         alice/cli/main
    Session         [session]
    Active claims   0, 0 of them yours
    --- status 0
    ");
    // A linked worktree is configured by the same file.
    assert_eq!(world.bob().coord(&["status", "--json"]).json()["mode"], "service");
}

#[test]
fn the_service_of_this_machine() {
    let world = World::embedded();
    world.at("home").coord(&["start", "--background", "--port", "0"]).ok();
    let (outside, inside) = (world.at("home").coord(&["status"]), world.alice().coord(&["status"]));
    world.at("home").coord(&["stop"]).ok();
    assert_snapshot!(outside, @"
    Local service   http://127.0.0.1:[port]
    --- stderr
    hint: go into a clone to see its claims
    --- status 0
    ");
    assert_snapshot!(inside, @"
    Claims kept in  [dir]/app/.git/coord/coord.db (this clone alone)
    Repository      app (from the git clone)
    You are         alice/cli/main
    Session         [session]
    Active claims   0, 0 of them yours
    Local service   http://127.0.0.1:[port] runs, but is not used here
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["status"]), @"
    no service runs on this machine, and this is no clone
    --- stderr
    hint: in a clone nothing has to run; `coord start --background` starts a service
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["status", "--json"]), @r#"
    {
      "local_service_url": null,
      "mode": null,
      "service_url": null,
      "service_version": null
    }
    --- status 0
    "#);
}

#[test]
fn outside_a_clone_the_service_that_is_named() {
    let world = World::served();
    assert_snapshot!(world.at("home").coord(&["status"]), @"
    Claims kept in  http://127.0.0.1:[port] ready (coord [version])
    --- stderr
    hint: go into a clone to see its claims
    --- status 0
    ");
}

#[test]
fn what_the_session_holds_under_another_name_is_mine() {
    let world = World::embedded();
    world.alice().env("CLAUDECODE", "1").coord(&["claim", "docs"]).ok();
    assert_eq!(world.alice().coord(&["status", "--json"]).json()["my_claims"], 1);
    assert_eq!(world.bob().coord(&["status", "--json"]).json()["my_claims"], 0);
}
