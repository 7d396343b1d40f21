//! `coord completions` and `coord man`: what they print, and what real shells make of it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::harness::{DEADLINE, Place, World, both, engineer};
use super::init::installed;

/// The shells and the committed file of each.
const FILES: [(&str, &str); 5] = [
    ("bash", "coord.bash"),
    ("zsh", "_coord"),
    ("fish", "coord.fish"),
    ("powershell", "coord.ps1"),
    ("elvish", "coord.elv"),
];

const SOURCE: &str = "class Router {\n  get() {}\n  put() {}\n}\nfunction parse() {}\n";

fn here(relative: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

#[test]
fn what_is_committed_is_what_this_version_writes() {
    let world = World::empty();
    let stale = "is not as this version writes it: run `make generated`";
    for (shell, file) in FILES {
        let ran = world.at("home").coord(&["completions", shell]).ok();
        let kept = fs::read_to_string(here("completions").join(file)).unwrap_or_default();
        assert!(kept == ran.stdout, "completions/{file} {stale}");
    }
    world.at("home").coord(&["man", "pages"]).ok();
    let names = |directory: &Path| {
        let mut names: Vec<_> = fs::read_dir(directory)
            .map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect())
            .unwrap_or_default();
        names.sort();
        names
    };
    let pages = names(&world.path("home/pages"));
    assert_eq!(names(&here("man")), pages, "man/ {stale}");
    for name in &pages {
        let kept = fs::read(here("man").join(name)).unwrap();
        let page = fs::read(world.path("home/pages").join(name)).unwrap();
        assert!(kept == page, "man/{} {stale}", name.display());
    }
    for name in ["coord.1", "coord-claim.1", "coord-ownership-lint.1", "coord-queue-cancel.1"] {
        assert!(pages.iter().any(|page| page == name), "{name} in {pages:?}");
    }
}

/// What a word of a command line may become, by what scripts ask.
fn offered(place: &Place<'_>, words: &[&str]) -> Vec<String> {
    let index = words.len().to_string();
    let asked = place.clone().env("COORD_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", &index);
    let ran = asked.coord(&[&["--", "coord"], words].concat()).ok();
    assert!(ran.stderr.is_empty(), "{ran}");
    ran.stdout.lines().map(String::from).collect()
}

#[test]
fn claims_engineers_places_and_requests() {
    both(|world| {
        let alice = world.alice();
        alice.coord(&["claim", "src/api.ts"]).ok();
        alice.coord(&["claim", "docs/**"]).ok();
        let bob = engineer(world, "bob");
        bob.coord(&["claim", "Makefile"]).ok();
        let rows = alice.coord(&["claims", "--json"]).ok().json();
        let id = |pattern: &str| {
            let rows = rows["claims"].as_array().unwrap();
            let row = rows.iter().find(|row| row["pattern"] == pattern).unwrap();
            row["id"].as_str().unwrap()[..8].to_owned()
        };
        let sorted = |mut words: Vec<String>| {
            words.retain(|word| !word.starts_with('-'));
            words.sort();
            words
        };
        // A glob would be the shell's to expand: that claim goes by its id.
        let mut mine = vec!["src/api.ts".to_owned(), id("src/api.ts"), id("docs/**")];
        mine.sort();
        for command in ["release", "extend"] {
            assert_eq!(sorted(offered(&alice, &[command, ""])), mine);
        }
        assert_eq!(offered(&alice, &["release", "src/"]), ["src/api.ts"]);
        let mut theirs = vec!["Makefile".to_owned(), id("Makefile")];
        theirs.sort();
        assert_eq!(sorted(offered(&alice, &["request", ""])), theirs);
        assert_eq!(offered(&alice, &["claims", "--engineer", ""]), ["alice/cli/main", "bob"]);

        bob.coord(&["request", "src/api.ts"]).ok();
        let request = alice.coord(&["requests", "--json"]).ok().json();
        let request = request["requests"][0]["id"].as_str().unwrap()[..8].to_owned();
        assert_eq!(sorted(offered(&alice, &["respond", ""])), [request.as_str()]);
        assert_eq!(sorted(offered(&bob, &["respond", ""])), [""; 0]);
        assert_eq!(sorted(offered(&bob, &["requests", ""])), [request.as_str()]);

        let waiting = bob.waits(&["docs/guide.md", "--wait", "10m"], 1);
        let place = alice.coord(&["queue", "--json"]).ok().json();
        let place = place["queued"][0]["queue_id"].as_str().unwrap()[..8].to_owned();
        assert_eq!(sorted(offered(&alice, &["queue", "cancel", ""])), [place.as_str()]);
        drop(waiting);
    });
}

#[test]
fn symbols_of_the_file_that_is_typed() {
    let world = World::embedded();
    world.write("app/src/api.ts", SOURCE);
    let alice = world.alice();
    let all =
        ["src/api.ts::Router", "src/api.ts::Router::get", "src/api.ts::Router::put", "src/api.ts::parse"];
    assert_eq!(offered(&alice, &["claim", "src/api.ts::"]), all);
    assert_eq!(offered(&alice, &["claim", "src/api.ts::Router::p"]), all[2..3]);
    assert_eq!(offered(&alice, &["check", "/src/api.ts::pa"]), ["/src/api.ts::parse"]);
    assert_eq!(offered(&alice.clone().within("src"), &["claim", "api.ts::pa"]), ["api.ts::parse"]);
    assert_eq!(offered(&alice, &["claim", "src/a"]), ["src/api.ts", "src/auth/"]);
    assert_eq!(offered(&alice, &["claim", "src/none.ts::"]), [""; 0]);
    assert_eq!(offered(&alice, &["claim", "Makefile::"]), [""; 0]);
}

#[test]
fn nothing_is_said_where_nothing_can_be_asked() {
    let world = World::embedded();
    let words = |place: &Place<'_>| {
        let all = offered(place, &["release", ""]);
        all.into_iter().filter(|word| !word.starts_with('-')).collect::<Vec<_>>()
    };
    assert!(words(&world.at("home")).is_empty());
    // Typing makes no database.
    assert!(words(&world.alice()).is_empty() && !world.path("app/.git/coord/coord.db").exists());
    assert!(words(&world.alice().env("COORD_API_URL", "ftp://nowhere")).is_empty());
    assert!(words(&world.alice().env("COORD_API_URL", "http://127.0.0.1:9")).is_empty());

    // A service that takes a connection and is silent is not waited for.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let begun = Instant::now();
    assert!(words(&world.alice().env("COORD_API_URL", &url)).is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn files_with_odd_names_are_no_commands() {
    let world = World::embedded();
    let alice = world.alice();
    engineer(&world, "$(touch x)").coord(&["claim", "src/api.ts"]).ok();
    engineer(&world, "carol").coord(&["claim", "Makefile"]).ok();
    assert_eq!(offered(&alice, &["claims", "--engineer", ""]), ["carol"]);
}

/// Whether a shell is there; one that is not is said to be left out.
#[expect(clippy::print_stderr, reason = "what is left out has to be seen")]
fn has(shell: &str) -> bool {
    let there = Command::new(shell).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("left out: {shell} is not installed");
    }
    there
}

/// A clone with something to complete.
fn ready(world: &World) -> Place<'_> {
    world.write("app/src/api.ts", SOURCE);
    world.alice().coord(&["claim", "docs/guide.md"]).ok();
    installed(world, "app")
}

/// Has bash complete a line, and returns what it offers.
fn in_bash(place: &Place<'_>, line: &str) -> Vec<String> {
    // What bash does to a line before it calls a function, by its own rules of what breaks words.
    let script = r#"
        source <(coord completions bash)
        COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
        eval "$2"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _coord_complete coord "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let mut open = String::new();
        for part in word.split_inclusive("::") {
            match part.strip_suffix("::") {
                Some(before) => words.extend([format!("{open}{before}"), "::".into()]),
                None => open.push_str(part),
            }
        }
        if !open.is_empty() || word.is_empty() {
            words.push(open);
        }
    }
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let assign = format!("COMP_WORDS=({})", quoted.join(" "));
    let ran = place.run("bash", &["--norc", "-c", script, "bash", line, &assign]).ok();
    assert!(ran.stderr.is_empty(), "{ran}");
    ran.stdout.lines().map(String::from).collect()
}

#[test]
fn bash() {
    if !has("bash") {
        return;
    }
    let world = World::embedded();
    let place = ready(&world);
    assert!(in_bash(&place, "coord cl").contains(&"claims".to_owned()));
    assert_eq!(in_bash(&place, "coord claim --urg"), ["--urgency"]);
    assert_eq!(in_bash(&place, "coord release docs"), ["docs/guide.md"]);
    // Bash keeps what stands before the last colon.
    assert_eq!(
        in_bash(&place, "coord claim src/api.ts::"),
        ["Router", "Router::get", "Router::put", "parse"]
    );
    assert_eq!(in_bash(&place, "coord claim src/api.ts::pa"), ["parse"]);
    assert_eq!(in_bash(&place, "coord claim src/api.ts::Router::g"), ["get"]);
    assert_eq!(in_bash(&place, "coord claim docs/guide.md src/api.ts::pa"), ["parse"]);
}

#[test]
fn bash_at_a_terminal() {
    if !has("bash") {
        return;
    }
    let world = World::embedded();
    let place = ready(&world);
    let rc = "source <(coord completions bash)\nPS1='$ '\nbind 'set bell-style none'\n";
    world.write("home/rc", rc);
    let rc = world.path("home/rc");
    let mut shell = place.command("bash", &["--rcfile", rc.to_str().unwrap(), "-i"]);
    let typed = "coord claim src/api.ts::pa\t -m x\n";
    // Without a terminal bash reads lines as they are: a pseudo-terminal is needed for the tab to count.
    let text = at_terminal(&mut shell, typed);
    assert!(text.contains("claimed src/api.ts::parse"), "{text}");
}

#[test]
fn zsh_at_a_terminal() {
    if !has("zsh") {
        return;
    }
    let world = World::embedded();
    let place = ready(&world);
    world.write(
        "home/.zshrc",
        "autoload -U compinit; compinit -u\nsource <(coord completions zsh)\nPS1='$ '\n",
    );
    let mut shell = place.command("zsh", &["-i"]);
    let text = at_terminal(&mut shell, "coord claim src/api.ts::pa\t -m x\n");
    assert!(text.contains("claimed src/api.ts::parse"), "{text}");
}

#[test]
fn fish() {
    if !has("fish") {
        return;
    }
    let world = World::embedded();
    // Fish sets USER to whom it runs as.
    let place = ready(&world).env("COORD_USER", "alice");
    let complete = |line: &str| {
        let script = format!("coord completions fish | source; complete --do-complete '{line}'");
        let ran = place.run("fish", &["--no-config", "-c", &script]).ok();
        assert!(ran.stderr.is_empty(), "{ran}");
        let words = ran.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    assert!(complete("coord cl").contains(&"claims".to_owned()));
    assert_eq!(complete("coord release docs"), ["docs/guide.md"]);
    assert_eq!(complete("coord claim src/api.ts::pa"), ["src/api.ts::parse"]);
    assert_eq!(complete("coord claim src/api.ts::Router::g"), ["src/api.ts::Router::get"]);
}

/// Runs a shell at a terminal, types each line once it is prompted, and returns all that was to be seen.
fn at_terminal(shell: &mut Command, typed: &str) -> String {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&control).unwrap();
    unlockpt(&control).unwrap();
    let name = ptsname(&control, Vec::new()).unwrap().into_string().unwrap();
    let open = || fs::File::options().read(true).write(true).open(&name).unwrap();
    shell.env("NO_COLOR", "1").env("TERM", "xterm").env("COLUMNS", "200");
    shell.stdin(Stdio::from(open())).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
    let mut process = shell.spawn().unwrap();
    let mut control = fs::File::from(control);
    let mut reader = control.try_clone().unwrap();
    let (send, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            if send.send(String::from_utf8_lossy(&bytes[..count]).into_owned()).is_err() {
                return;
            }
        }
    });
    let until = Instant::now() + DEADLINE;
    let mut text = String::new();
    let wait_for = |text: &mut String, what: &dyn Fn(&str) -> bool| {
        while !what(text) && Instant::now() < until {
            match seen.recv_timeout(Duration::from_millis(200)) {
                Ok(more) => text.push_str(&more),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    };
    for line in typed.lines() {
        let from = text.len();
        wait_for(&mut text, &|text| text[from.saturating_sub(2)..].contains("$ "));
        let start = text.len();
        // What comes after a tab is typed once the word is there.
        let parts: Vec<&str> = line.split_inclusive('\t').collect();
        for part in parts {
            control.write_all(part.as_bytes()).unwrap();
            if part.ends_with('\t') {
                wait_for(&mut text, &|text| text[start..].contains("parse"));
            }
        }
        control.write_all(b"\n").unwrap();
    }
    wait_for(&mut text, &|text| text.contains("claimed src/api.ts::parse"));
    let _ = process.kill();
    let _ = process.wait();
    text
}
