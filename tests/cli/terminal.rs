//! What only a terminal gets to see.

use std::io::Read;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::harness::{COORD, Place, World};

/// Runs `coord` on a terminal so many columns wide, and returns what it shows.
fn on_terminal(place: &Place<'_>, columns: u16, arguments: &[&str]) -> String {
    answering(place, columns, arguments, None)
}

/// The same; what is typed goes to its stdin.
fn answering(place: &Place<'_>, columns: u16, arguments: &[&str], typed: Option<&str>) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let side = || std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let mut command = place.command(COORD, arguments);
    command.env("TERM", "xterm-256color").stdin(Stdio::null()).stdout(side()).stderr(side());
    if let Some(typed) = typed {
        command.stdin(side());
        rustix::io::write(&terminal, typed.as_bytes()).unwrap();
    }
    let mut child = command.spawn().unwrap();
    // Our own copies of its side of the terminal go, or it would never end.
    drop(command);
    let mut shown = Vec::new();
    // Linux tells the end by an error.
    let _ = std::fs::File::from(terminal).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

fn busy() -> World {
    let world = World::embedded();
    let about = "a rather long description of what is going on in here, longer than most";
    world.bob().coord(&["claim", "src/auth/**", "docs/a/rather/long/path/to/some/file.md", "-m", about]).ok();
    world
}

#[test]
fn tables_fit() {
    let world = busy();
    for columns in [60, 80, 120, 250] {
        let shown = on_terminal(&world.alice(), columns, &["claims"]);
        assert!(shown.contains("LEFT"), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= usize::from(columns)), "{columns}\n{shown}");
    }
    // Nothing that could be read fits into so little, and it still must end.
    assert!(!on_terminal(&world.alice(), 20, &["claims"]).is_empty());
}

#[test]
fn rows_in_a_pipe_are_lines() {
    let world = World::embedded();
    let about = "word ".repeat(100);
    world.alice().coord(&["claim", "src/auth", "-m", about.trim()]).ok();
    let ran = world.alice().coord(&["claims"]).ok();
    assert_eq!(ran.stdout.lines().count(), 2, "{ran}");
    assert!(ran.stdout.contains(about.trim()), "{ran}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let world = busy();
    let coloured =
        |place: Place<'_>| on_terminal(&place, 80, &["claim", "src/auth/login.ts"]).contains('\u{1b}');
    assert!(coloured(world.alice()));
    assert!(!coloured(world.alice().env("NO_COLOR", "1")));
    assert!(on_terminal(&world.alice(), 80, &["--help"]).contains('\u{1b}'));
    assert!(!on_terminal(&world.alice().env("NO_COLOR", "1"), 80, &["--help"]).contains('\u{1b}'));
    assert!(!on_terminal(&world.alice(), 80, &["claims", "--json"]).contains('\u{1b}'));
}

#[test]
fn the_demo_is_coloured_throughout() {
    let world = World::empty();
    let shown = on_terminal(&world.at("home"), 80, &["demo"]);
    let refusal = shown.lines().find(|line| line.contains("conflict")).unwrap();
    assert!(refusal.contains('\u{1b}'), "{shown}");
    let plain = on_terminal(&world.at("home").env("NO_COLOR", "1"), 80, &["demo"]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn what_others_wrote_cannot_steer_it() {
    let world = World::embedded();
    let mean = world.bob().env("COORD_ENGINEER", "mallory\u{1b}]0;title\u{7}");
    mean.coord(&["claim", "docs", "-m", "\u{1b}[2J\u{1b}[1;1Heverything\nis free"]).ok();
    for arguments in [&["claims"][..], &["claim", "docs"], &["check", "docs"], &["release", "docs"]] {
        let shown = on_terminal(&world.alice().env("NO_COLOR", "1"), 200, arguments);
        assert!(shown.contains("mallory"), "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    }
}

#[test]
fn a_wait_is_a_line_that_moves() {
    let world = busy();
    for place in [world.alice(), world.alice().env("NO_COLOR", "1")] {
        let shown = on_terminal(&place, 200, &["claim", "src/auth/login.ts", "--wait", "3s"]);
        for left in ["number 1, giving up in 3s; alice/cli/bob has src/auth/**", "giving up in 1s"] {
            assert!(shown.contains(left), "{shown:?}");
        }
        assert!(shown.contains("\u{1b}[2K") && shown.contains("waited 3s"), "{shown:?}");
        let narrow = on_terminal(&place, 40, &["claim", "src/auth/login.ts", "--wait", "1s"]);
        let moving = narrow.split("\u{1b}[2K").nth(1).unwrap();
        assert!(moving.trim_end_matches('\r').chars().count() <= 40, "{narrow:?}");
    }
}

#[test]
fn init_asks() {
    let world = World::embedded();
    let shown = answering(&world.alice(), 100, &["init"], Some("cursor\n\nno\n"));
    assert!(shown.contains("which tools (claude, codex, cursor)? [claude]"), "{shown}");
    assert!(shown.contains("new       .cursor/mcp.json") && shown.contains("nothing was changed"), "{shown}");
    assert!(!world.path("app/.coordination").exists());
    answering(&world.alice(), 100, &["init"], Some("codex, cursor\nremote\nhttps://coord.example\n\n"));
    let config = std::fs::read_to_string(world.path("app/.coordination/config.toml")).unwrap();
    assert!(
        config.contains("tools = [\"codex\", \"cursor\"]") && config.contains("https://coord.example"),
        "{config}"
    );
    let shown = answering(&world.alice(), 100, &["uninit"], Some("\n"));
    assert!(shown.contains("nothing was changed") && world.path("app/.coordination").exists(), "{shown}");
    answering(&world.alice(), 100, &["uninit"], Some("y\n"));
    assert!(!world.path("app/.coordination/local.env").exists());
}

/// A service that says it is of another version, and counts how often it is asked.
fn newer() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 65536];
            let read = stream.read(&mut request).unwrap();
            let ready = r#"{"status":"ready","version":"99.0.0","auth_mode":"bearer","database_path":"x"}"#;
            let body = match request[..read].starts_with(b"GET /readyz") {
                true => ready,
                false => r#"{"repos":[],"count":0}"#,
            };
            count.fetch_add(usize::from(body == ready), std::sync::atomic::Ordering::SeqCst);
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", body.len());
            let _ = std::io::Write::write_all(&mut stream, format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_newer_service_is_told_of_once_a_day() {
    let world = World::embedded();
    let (url, asked) = newer();
    let place = world.alice().env("COORD_API_URL", &url);
    let asked = || asked.load(std::sync::atomic::Ordering::SeqCst);
    place.coord(&["repos"]).ok();
    on_terminal(&place.clone().env("COORD_NO_UPDATE_CHECK", "1"), 80, &["repos"]);
    assert_eq!(asked(), 0);
    let shown = on_terminal(&place, 80, &["repos"]);
    assert!(shown.contains("coord 99.0.0 is out") && asked() == 1, "{shown}");
    assert!(!on_terminal(&place, 80, &["repos"]).contains("is out"));
    assert_eq!(asked(), 1);
    let stamp =
        std::fs::File::options().write(true).open(world.path("coord-home/last_update_check")).unwrap();
    stamp.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(on_terminal(&place, 80, &["repos"]).contains("is out"));
}
