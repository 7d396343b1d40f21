//! The commands of README.md and docs/, run as they stand there, and the links between them.
//!
//! Blocks marked `sh` are run whole, those marked `console` command by command, and what these show must be what comes,
//! numbers and ids aside. A block that cannot be run says why, as in `sh ignore: it needs a cluster`. Each document has
//! a clone and a service of its own; `coord start` takes any free port.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::harness::{COORD, Place, Ran, World};

/// The most blocks that may be left out, so that it does not become a habit.
const MOST_IGNORED: usize = 24;

const ROUTER: &str = "\
export class Router {
  get(path: string) { return path; }
  handle() { return 1; }
}

export function parse(text: string) { return text; }
";

/// A fenced block of a document.
struct Block {
    line: usize,
    info: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, changelog and everything under docs/, by their paths from the root.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    let mut directories = vec![PathBuf::from("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let path = directory.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                blocks.push(Block { line: at + 1, info: info.to_owned(), text: String::new() });
                open = true;
            }
            Some(_) => open = false,
            None if open => blocks.last_mut().unwrap().text += &format!("{line}\n"),
            None => {}
        }
    }
    blocks
}

/// A clone with what the documents speak of, and a `coord` that starts services on any port.
fn world() -> World {
    let world = World::served();
    world.write("app/src/router.ts", ROUTER);
    world.write("app/.gitignore", "*.log\n");
    let app = world.path("app");
    world.git(&app, &["add", "."]);
    world.git(&app, &["commit", "--quiet", "-m", "router"]);
    world.add_worktree("other-worktree");
    let start = format!(
        "#!/bin/sh\n[ \"$1\" != start ] || {{ shift; set -- start --port 0 \"$@\"; }}\nexec {COORD} \"$@\"\n"
    );
    world.write("bin/coord", &start);
    if !Path::new(COORD).with_file_name("coord-mcp").exists() {
        world.write("bin/coord-mcp", "#!/bin/sh\n");
    }
    for file in fs::read_dir(world.path("bin")).unwrap() {
        fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    world
}

/// Whether this machine has curl, which the tests do not ask for.
fn has_curl() -> bool {
    std::process::Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs lines of shell that stop at the first that fails.
fn shell(place: &Place<'_>, world: &World, script: &str) -> Ran {
    let (ours, theirs) = (world.path("bin"), Path::new(COORD).parent().unwrap());
    let path = format!("PATH={}:{}:$PATH\n", ours.display(), theirs.display());
    place.run("sh", &["-euc", &(path + script)])
}

/// The commands of a console, each with what it shows.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None => commands.last_mut().unwrap().1.push(line.to_owned()),
        }
    }
    commands
}

/// A line without what differs from run to run: ids and numbers.
fn steady(line: &str) -> String {
    let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let stable = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = bare.len() == 8 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_amount = bare.starts_with(|c: char| c.is_ascii_digit()) && bare.len() < 5;
        if is_id || is_amount { word.replacen(bare, "#", 1) } else { word.to_owned() }
    });
    stable.collect::<String>().trim_end().to_owned()
}

/// Runs the blocks of one document, and returns how many were left out.
fn play(document: &Path) -> usize {
    let mut world = None;
    let mut ignored = 0;
    for block in blocks(&read(document)) {
        let place = format!("{}:{}", document.display(), block.line);
        let (kind, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        assert!(!matches!(kind, "bash" | "shell"), "{place}: say sh or console");
        if !matches!(kind, "sh" | "console") {
            continue;
        }
        if let Some(why) = rest.strip_prefix("ignore") {
            assert!(why.len() > ": because".len(), "{place}: say why it is ignored");
            ignored += 1;
            continue;
        }
        if block.text.contains("curl ") && !has_curl() {
            continue;
        }
        let world = world.get_or_insert_with(self::world);
        let alice = world.alice();
        if kind == "sh" {
            let ran = shell(&alice, world, &block.text);
            assert_eq!(ran.status, Some(0), "{place}\n{ran}");
            continue;
        }
        for (command, shown) in commands(&block.text) {
            let ran = shell(&alice, world, &command);
            let came: BTreeSet<String> = ran.stdout.lines().chain(ran.stderr.lines()).map(steady).collect();
            for line in &shown {
                assert!(came.contains(&steady(line)), "{place}: {command}\n{line}\nis not in\n{ran}");
            }
            let refused = shown.iter().any(|line| line.starts_with("conflict:"));
            assert_eq!(ran.status, Some(if refused { 3 } else { 0 }), "{place}: {command}\n{ran}");
        }
    }
    if let Some(world) = &world {
        // Whatever a document left running.
        shell(&world.alice(), world, "coord stop").ok();
    }
    ignored
}

#[test]
fn commands_work() {
    // Side by side, so that one that fails does not hide another.
    let plays: Vec<_> =
        documents().into_iter().map(|document| std::thread::spawn(move || play(&document))).collect();
    let played: Vec<_> = plays.into_iter().map(std::thread::JoinHandle::join).collect();
    let ignored: usize = played.into_iter().map(|ignored| ignored.expect("a command works")).sum();
    assert!(ignored <= MOST_IGNORED, "{ignored} blocks are left out");
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The lines of a document that are in no block, code within them left out.
fn prose(text: &str) -> Vec<String> {
    let mut open = false;
    let lines = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        open ^= fence;
        !open && !fence
    });
    lines.map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("`")).collect()
}

fn anchors(path: &Path) -> BTreeSet<String> {
    let headings = read(path);
    let mut open = false;
    let headings = headings.lines().filter(|line| {
        open ^= line.starts_with("```");
        !open && line.starts_with('#')
    });
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = prose(&read(&document)).join("\n");
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, name) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { document.clone() } else { join(&document, file) };
            let there = root().join(&target).exists();
            let named = name.is_empty() || there && anchors(&target).contains(name);
            if !(there && named) {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The path that a link in a document means.
fn join(document: &Path, link: &str) -> PathBuf {
    let mut path = document.parent().unwrap().to_owned();
    for part in link.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." => {}
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_page_can_be_found() {
    let index = read(Path::new("README.md"));
    for document in documents().iter().filter(|document| document.starts_with("docs")) {
        assert!(index.contains(&format!("]({})", document.display())), "README does not list {document:?}");
    }
}
