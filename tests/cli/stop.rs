//! `coord stop`

use insta::assert_snapshot;

use super::harness::{DEADLINE, World};

#[test]
fn nothing_runs() {
    let world = World::empty();
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    --- stderr
    no service runs in the background
    --- status 0
    ");
}

#[test]
fn records_that_lead_nowhere() {
    let world = World::empty();
    // Larger than any process's number may be.
    let gone =
        r#"{"pid": 2147483647, "start_time": "x 1", "marker": "coord serve", "url": "http://127.0.0.1:1"}"#;
    let stop = |record: &str| {
        world.write("coord-home/coord.pid", record);
        let ran = world.at("home").coord(&["stop"]);
        format!("{ran}\nrecord kept: {}", world.path("coord-home/coord.pid").exists())
    };
    assert_snapshot!(stop("{"), @"
    --- stderr
    the service has ended already; its record is removed
    --- status 0
    record kept: false
    ");
    assert_snapshot!(stop(""), @"
    --- stderr
    the service has ended already; its record is removed
    --- status 0
    record kept: false
    ");
    assert_snapshot!(stop(gone), @"
    --- stderr
    the service has ended already; its record is removed
    --- status 0
    record kept: false
    ");
    assert_snapshot!(stop("2147483647\n"), @"
    --- stderr
    warning: [dir]/coord-home/coord.pid names only pid [pid], which may be anything by now
    hint: if it is not coord, remove the file: `rm [dir]/coord-home/coord.pid`
    --- status 0
    record kept: true
    ");
}

#[test]
fn the_number_of_another_program() {
    let world = World::empty();
    let mut other = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let record = format!(r#"{{"pid": {}, "start_time": "long ago", "marker": "coord serve"}}"#, other.id());
    world.write("coord-home/coord.pid", &record);
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    --- stderr
    error: pid [pid] in [dir]/coord-home/coord.pid belongs to another program by now
    hint: remove the file: `rm [dir]/coord-home/coord.pid`
    --- status 1
    ");
    world.write("coord-home/coord.pid", &other.id().to_string());
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    --- stderr
    warning: [dir]/coord-home/coord.pid names only pid [pid], which may be anything by now
    hint: if it is not coord, remove the file: `rm [dir]/coord-home/coord.pid`
    --- status 0
    ");
    assert!(other.try_wait().unwrap().is_none(), "it was left alone");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_service_that_was_killed() {
    let world = World::empty();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let started = world.at("home").coord(&["start", "--background", "--port", &port, "--json"]).ok().json();
    let pid = started["pid"].as_u64().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let until = std::time::Instant::now() + DEADLINE;
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() {
        assert!(std::time::Instant::now() < until);
    }
    assert_snapshot!(world.at("home").coord(&["stop"]), @"
    --- stderr
    the service has ended already; its record is removed
    --- status 0
    ");
    // And the next one starts.
    world.at("home").coord(&["start", "--background", "--port", &port]).ok();
    world.at("home").coord(&["stop"]).ok();
}
