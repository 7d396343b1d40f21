//! What holds for every command: help, options, streams.

use std::io::{Read, Write};

use insta::assert_snapshot;

use super::harness::{World, both};

const COMMANDS: &[&str] = &[
    "claim",
    "claims",
    "check",
    "symbols",
    "ownership",
    "hotspots",
    "release",
    "extend",
    "queue",
    "request",
    "requests",
    "respond",
    "inbox",
    "pre-push",
    "hook",
    "repos",
    "watch",
    "log",
    "dashboard",
    "outbox",
    "init",
    "doctor",
    "upgrade",
    "uninit",
    "worktree",
    "mcp",
    "status",
    "start",
    "stop",
    "serve",
    "demo",
    "completions",
    "man",
];

#[test]
fn help_has_an_example_and_fits() {
    let world = World::empty();
    for command in COMMANDS {
        let ran = world.at("home").coord(&[command, "--help"]).ok();
        assert!(ran.stderr.is_empty(), "{ran}");
        let (_, examples) = ran.stdout.split_once("Examples:").unwrap_or_else(|| panic!("{ran}"));
        assert!(examples.contains(&format!("coord {command}")), "{ran}");
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{ran}");
        // `-h` is the short form of the same.
        let short = world.at("home").coord(&[command, "-h"]).ok();
        assert!(short.stdout.contains("Examples:"), "{short}");
    }
}

#[test]
fn the_root_lists_every_command() {
    let world = World::empty();
    assert_snapshot!(world.at("home").coord(&["--help"]), @"
    Know who is working where, and claim files, globs and symbols before you edit

    Usage: coord <COMMAND>

    Commands:
      claim        Claim files, directories or globs before you edit them
      claims       List who holds what, and for how long
      check        Check whether files are free, without claiming them
      symbols      List the functions, classes and other symbols of files
      ownership    Show whose a path is, and check and exchange the rules that say so
      hotspots     List what people keep being turned away from, and share it or suggest to split it
      release      Let go of claims
      extend       Let your claims last longer
      queue        List who waits for what, and behind whom
      request      Ask a holder to let go of what you need
      requests     List who asks whom to let go, and what becomes of it
      respond      Answer somebody who asks you to let go
      inbox        Show who asks you to let go, who was turned away, and what others have inside your
                   files
      pre-push     Check what a push adds against what others hold; run by git's pre-push hook
      hook         Claim what an agent is about to edit, and stop the edit if somebody else has it
      repos        List the repositories that have been claimed in
      watch        Tell what happens as it happens: claims, waits, requests, and how they end
      log          Show who had a file when, and everything that happened to it
      dashboard    Open the service's dashboard in a browser, logged in
      outbox       Show the webhooks of a service, send them again, or forget them
      init         Set this clone up for agents and their tools, with a check before each push
      doctor       Check the setup of this clone, and say what to do about what is wrong
      upgrade      Bring what `coord init` wrote up to date with this version
      uninit       Take everything out of this clone that `coord init` put in
      worktree     Give an agent a worktree of its own, with its own name and session
      mcp          Serve an agent's tool over MCP: claims as tools, on stdin and stdout
      status       Show where claims are kept, whether that works, and who you are to it
      start        Start a coordination service on this machine
      stop         Stop the service that `coord start --background` left running
      serve        Run the coordination service for a team
      demo         Watch two engineers meet: a server, a claim, a refusal, a share and a hand-over
      completions  Print what makes a shell complete coord's commands, claims, requests and symbols
      man          Write the manual pages, one for each command
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples:
      coord claim 'src/auth/**' -m 'login form'   take a directory
      coord claims                                who holds what
      coord check src/auth/login.ts               may I edit this?
      coord claim src/auth --wait 10m             wait until I can have it
      coord release --all                         let go of what is mine
      coord demo                                  see all of it happen

    Exit codes: 0 done, 1 failed, 2 usage, 3 conflict, 4 service unreachable or not authorised, 70 bug
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["--version"]), @"
    coord [version]
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["claim", "--version"]), @"
    coord-claim [version]
    --- status 0
    ");
}

#[test]
fn help_by_name() {
    let world = World::empty();
    let place = world.at("home");
    assert_eq!(place.coord(&["help"]).ok().stdout, place.coord(&["--help"]).ok().stdout);
    assert_eq!(place.coord(&["help", "claim"]).ok().stdout, place.coord(&["claim", "--help"]).ok().stdout);
}

/// An address where every request is answered with one status.
fn answering(status: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 65536]);
            let body = r#"{"detail":"so it said"}"#;
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}", body.len());
            let _ = write!(stream, "{head}\r\n\r\n{body}");
        }
    });
    url
}

#[test]
fn a_service_that_answers_is_not_out_of_reach() {
    let world = World::embedded();
    let at =
        |status| world.alice().env("COORD_API_URL", &answering(status)).env("COORD_AUTH_TOKEN", "sesame");
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        insta::allow_duplicates! {
            assert_snapshot!(at(status).coord(&["claim", "docs"]), @"
            --- stderr
            error: the service at http://127.0.0.1:[port] is busy or cannot write: so it said
            hint: try again; if it stays so, the service's log says more
            --- status 1
            ");
        }
    }
    assert_snapshot!(at("413 Content Too Large").coord(&["check", "docs"]), @"
    --- stderr
    error: this is too much at once for the service at http://127.0.0.1:[port]: so it said
    hint: ask for less at once
    --- status 2
    ");
    assert_snapshot!(at("422 Unprocessable Content").coord(&["claim", "docs"]), @"
    --- stderr
    error: so it said
    --- status 2
    ");
}

#[test]
fn a_proxy_sees_nothing_of_what_stays_on_this_machine() {
    let world = World::served();
    let mut place = world.alice();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        place = place.env(name, "http://127.0.0.1:1");
    }
    place.coord(&["claim", "docs"]).ok();
}

#[test]
fn mistakes_are_told_on_stderr_with_status_2() {
    let world = World::empty();
    assert_snapshot!(world.at("home").coord(&[]), @"
    --- stderr
    Know who is working where, and claim files, globs and symbols before you edit

    Usage: coord <COMMAND>

    Commands:
      claim        Claim files, directories or globs before you edit them
      claims       List who holds what, and for how long
      check        Check whether files are free, without claiming them
      symbols      List the functions, classes and other symbols of files
      ownership    Show whose a path is, and check and exchange the rules that say so
      hotspots     List what people keep being turned away from, and share it or suggest to split it
      release      Let go of claims
      extend       Let your claims last longer
      queue        List who waits for what, and behind whom
      request      Ask a holder to let go of what you need
      requests     List who asks whom to let go, and what becomes of it
      respond      Answer somebody who asks you to let go
      inbox        Show who asks you to let go, who was turned away, and what others have inside your
                   files
      pre-push     Check what a push adds against what others hold; run by git's pre-push hook
      hook         Claim what an agent is about to edit, and stop the edit if somebody else has it
      repos        List the repositories that have been claimed in
      watch        Tell what happens as it happens: claims, waits, requests, and how they end
      log          Show who had a file when, and everything that happened to it
      dashboard    Open the service's dashboard in a browser, logged in
      outbox       Show the webhooks of a service, send them again, or forget them
      init         Set this clone up for agents and their tools, with a check before each push
      doctor       Check the setup of this clone, and say what to do about what is wrong
      upgrade      Bring what `coord init` wrote up to date with this version
      uninit       Take everything out of this clone that `coord init` put in
      worktree     Give an agent a worktree of its own, with its own name and session
      mcp          Serve an agent's tool over MCP: claims as tools, on stdin and stdout
      status       Show where claims are kept, whether that works, and who you are to it
      start        Start a coordination service on this machine
      stop         Stop the service that `coord start --background` left running
      serve        Run the coordination service for a team
      demo         Watch two engineers meet: a server, a claim, a refusal, a share and a hand-over
      completions  Print what makes a shell complete coord's commands, claims, requests and symbols
      man          Write the manual pages, one for each command
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples:
      coord claim 'src/auth/**' -m 'login form'   take a directory
      coord claims                                who holds what
      coord check src/auth/login.ts               may I edit this?
      coord claim src/auth --wait 10m             wait until I can have it
      coord release --all                         let go of what is mine
      coord demo                                  see all of it happen

    Exit codes: 0 done, 1 failed, 2 usage, 3 conflict, 4 service unreachable or not authorised, 70 bug
    --- status 2
    ");
    assert_snapshot!(world.at("home").coord(&["clam"]), @"
    --- stderr
    error: unrecognized subcommand 'clam'

      tip: some similar subcommands exist: 'claims', 'claim'

    Usage: coord <COMMAND>

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(world.at("home").coord(&["claims", "--jsn"]), @"
    --- stderr
    error: unexpected argument '--jsn' found

      tip: a similar argument exists: '--json'

    Usage: coord claims --json

    For more information, try '--help'.
    --- status 2
    ");
    for command in COMMANDS {
        let ran = world.at("home").coord(&[command, "--no-such-option"]);
        assert_eq!(ran.status, Some(2), "{ran}");
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran}");
    }
}

#[test]
fn what_goes_into_a_pipe_has_no_escapes() {
    let world = World::embedded();
    world.bob().coord(&["claim", "docs"]).ok();
    for arguments in [
        &["claims"][..],
        &["claim", "src"],
        &["claim", "docs"],
        &["check", "docs"],
        &["nonsense"],
        &["--help"],
    ] {
        let ran = world.alice().coord(arguments);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\u{1b}'), "{ran}");
    }
}

#[test]
fn help_into_a_pipe_that_nobody_reads() {
    let world = World::empty();
    let ran = world.at("home").shell("(coord claim --help; echo $? >status) | true; cat status");
    assert_snapshot!(ran, @"
    0
    --- status 0
    ");
}

#[test]
fn a_full_disk_is_a_failure() {
    let world = World::embedded();
    if std::path::Path::new("/dev/full").exists() {
        assert_snapshot!(world.alice().shell("coord claims --json >/dev/full"), @"
        --- stderr
        error: No space left on device (os error 28)
        --- status 1
        ");
    }
}

#[test]
fn a_clone_whose_database_cannot_be_written() {
    let world = World::embedded();
    world.write("app/.git/coord", "in the way\n");
    assert_snapshot!(world.alice().coord(&["claim", "docs"]), @"
    --- stderr
    error: cannot read [dir]/app/.git/coord/session
    caused by: Not a directory (os error 20)
    --- status 1
    ");
}

#[test]
fn what_others_are_called_is_no_command_and_steers_no_terminal() {
    both(|world| {
        let evil = world.bob().env("COORD_ENGINEER", "evil'; touch X; '").env("COORD_SESSION_ID", "other");
        evil.coord(&["claim", "src/**", "-m", "a\u{1b}]0;title\u{7}\u{202e}b"]).ok();
        for arguments in [
            &["claim", "src/api.ts"][..],
            &["check", "src/api.ts"],
            &["release", "src"],
            &["extend", "src/**"],
        ] {
            let ran = world.alice().coord(arguments);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!all.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{ran}");
            if let Some((_, command)) = all.split_once("--engineer ") {
                let (name, _) = command.split_once('`').unwrap();
                let said = world.alice().shell(&format!("printf %s {name}")).ok();
                assert_eq!(said.stdout, "evil'; touch X; '", "{ran}");
            }
        }
        assert!(!world.path("app/X").exists());
    });
}
