//! What a clone holds must not make coord run a program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::harness::World;

/// Files of `src` that start a program, and what they start.
const STARTS: &[(&str, &str)] = &[
    ("workspace/process.rs", "git"),
    ("cli/demo.rs", "coord itself"),
    ("cli/start.rs", "coord itself, and the browser"),
    ("cli/local_service.rs", "ps"),
];

#[test]
fn one_file_starts_git() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = Vec::new();
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let name = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            let is_test = name.ends_with("_tests.rs") || name.ends_with("/testing.rs");
            if !is_test && name.ends_with(".rs") && code.contains("Command::new(") {
                found.push(name);
            }
        }
    }
    found.sort();
    let mut expected: Vec<&str> = STARTS.iter().map(|(file, _)| *file).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "git is started in workspace/process.rs alone");
}

/// Every setting of git that names a program, so that it writes the canary.
fn settings(canary: &Path) -> String {
    let run = format!("touch '{}' #", canary.display());
    let text = "\
[core]
\tfsmonitor = RUN
\tsshCommand = RUN
\tpager = RUN
\teditor = RUN
\taskPass = RUN
\tgitProxy = RUN
\talternateRefsCommand = RUN
\thooksPath = HOOKS
[sequence]
\teditor = RUN
[diff]
\texternal = RUN
[diff \"canary\"]
\tcommand = RUN
\ttextconv = RUN
[filter \"canary\"]
\tclean = RUN
\tsmudge = RUN
\tprocess = RUN
\trequired = true
[merge \"canary\"]
\tdriver = RUN
[uploadpack]
\tpackObjectsHook = RUN
[credential]
\thelper = !RUN
[gpg]
\tprogram = RUN
[pager]
\tstatus = RUN
\tconfig = RUN
\tls-files = RUN
\trev-parse = RUN
[alias]
\tstatus = !RUN
\tls-files = !RUN
[remote \"origin\"]
\turl = ext::sh -c TOUCH
\tpromisor = true
\tpartialclonefilter = blob:none
[extensions]
\tpartialClone = origin
[protocol \"ext\"]
\tallow = always
";
    let hooks = canary.with_file_name("hooks");
    let quoted = format!("\"{}\"", run.replace('"', "\\\""));
    text.replace("!RUN", &format!("\"!{}\"", run.replace('"', "\\\"")))
        .replace("RUN", &quoted)
        .replace("HOOKS", hooks.to_str().unwrap())
        .replace("TOUCH", &format!("touch%% {}", canary.display()))
}

/// A hooks directory in which every hook writes the canary.
fn hooks(canary: &Path) {
    let directory = canary.with_file_name("hooks");
    fs::create_dir_all(&directory).unwrap();
    for name in
        ["post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman", "pre-auto-gc"]
    {
        let path = directory.join(name);
        fs::write(&path, format!("#!/bin/sh\ntouch '{}'\n", canary.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Makes a directory of a work tree one that git takes for a repository, with the work tree around it.
fn embed(world: &World, at: &str, canary: &Path, work_tree: &str) {
    let bare = world.path("embedded.git");
    if !bare.exists() {
        world.git(&world.path(""), &["clone", "--quiet", "--bare", "app", "embedded.git"]);
        world.git(&bare, &["--work-tree", world.path("app").to_str().unwrap(), "read-tree", "HEAD"]);
    }
    let to = world.path(at);
    fs::create_dir_all(to.join("refs/heads")).unwrap();
    let copied = world.at("").run("cp", &["-R", "embedded.git/.", to.to_str().unwrap()]);
    assert_eq!(copied.status, Some(0), "{copied}");
    let config = format!(
        "{}[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = {work_tree}\n",
        settings(canary)
    );
    // A repository format of 0 has no partial clone.
    fs::write(to.join("config"), config.replace("[extensions]\n\tpartialClone = origin\n", "")).unwrap();
    fs::write(
        to.join("refs/heads/kept"),
        fs::read_to_string(to.join("packed-refs")).map_or_else(
            |_| String::new(),
            |refs| {
                refs.lines()
                    .rfind(|line| !line.starts_with('#'))
                    .unwrap_or_default()
                    .split(' ')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
                    + "\n"
            },
        ),
    )
    .unwrap();
}

/// Every command that opens a clone, so that it gets as far as it can.
const COMMANDS: &[&[&str]] = &[
    &["status"],
    &["claims"],
    &["claim", "src/api.ts"],
    &["claim", "src/**"],
    &["check"],
    &["check", "--staged"],
    &["check", "--diff", "HEAD..HEAD"],
    &["check", "src/api.ts"],
    &["extend"],
    &["inbox"],
    &["requests"],
    &["request", "src/api.ts"],
    &["respond", "req-none", "approve"],
    &["queue"],
    &["hotspots"],
    &["repos"],
    &["log"],
    &["outbox"],
    &["symbols", "src/api.ts"],
    &["ownership", "lint"],
    &["ownership", "who", "src/api.ts"],
    &["doctor"],
    &["doctor", "--fix"],
    &["init", "--yes"],
    &["upgrade"],
    &["upgrade", "--check"],
    &["worktree", "list"],
    &["release", "--all"],
    &["pre-push", "origin", "nowhere"],
    &["uninit", "--yes"],
];

/// Runs every command and every hook in a directory of a clone; none may run the canary.
fn nothing_runs(world: &World, directory: &str, canary: &Path, edited: &[&str]) {
    for command in COMMANDS {
        let ran = world.at(directory).coord(command);
        assert!(!canary.exists(), "coord {command:?} in {directory} ran a command of the clone:\n{ran}");
    }
    for tool in ["claude-code", "codex", "cursor"] {
        for file in edited {
            let event = json!({
                "session_id": "s",
                "cwd": world.path(directory),
                "hook_event_name": "PreToolUse",
                "tool_name": "Write",
                "tool_input": { "file_path": world.path(file), "content": "new\n" },
            });
            world.write("event.json", &event.to_string());
            let line = format!("coord hook {tool} < {}", world.path("event.json").display());
            let ran = world.at(directory).shell(&line);
            assert!(!canary.exists(), "{tool} at {file} ran a command of the clone:\n{ran}");
        }
    }
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
    world.write("call.json", &format!("{call}\n"));
    let ran = world.at(directory).shell(&format!("coord mcp < {}", world.path("call.json").display()));
    assert!(!canary.exists(), "coord mcp ran a command of the clone:\n{ran}");
}

/// A clone, made by git, of a repository that holds what `prepare` puts into it.
fn hostile(prepare: impl Fn(&World, &Path)) -> (World, PathBuf) {
    let world = World::embedded();
    let canary = world.path("canary");
    hooks(&canary);
    prepare(&world, &canary);
    let app = world.path("app");
    world.git(&app, &["add", "--force", "--all"]);
    world.git(&app, &["commit", "--quiet", "-m", "hostile"]);
    world.git(&world.path(""), &["clone", "--quiet", "app", "victim"]);
    // What would be found at the attacker's, and what making it has run.
    let _ = fs::remove_file(&canary);
    (world, canary)
}

#[test]
fn a_committed_directory_that_is_a_repository_runs_nothing() {
    let (world, canary) = hostile(|world, canary| {
        embed(world, "app/.coordination", canary, "..");
        world.write("app/.coordination/local.env", "COORD_REPO_ID=team/app\n");
        world.write("app/.coordination/config.toml", "version = 1\n");
    });
    nothing_runs(&world, "victim", &canary, &["victim/src/api.ts"]);
    nothing_runs(&world, "victim/src", &canary, &["victim/src/api.ts"]);
}

#[test]
fn a_repository_beneath_an_ignored_path_runs_nothing() {
    let (world, canary) = hostile(|world, canary| {
        embed(world, "app/lib/x", canary, "../..");
        world.write("app/.gitignore", "lib/\n");
        world.write("app/lib/x/a.ts", "one\n");
    });
    nothing_runs(
        &world,
        "victim",
        &canary,
        &["victim/lib/x/a.ts", "victim/lib/x/new.ts", "victim/lib/x/HEAD"],
    );
    nothing_runs(&world, "victim/lib/x", &canary, &["victim/lib/x/a.ts"]);
}

/// An unpacked archive brings `.git` itself, with whatever settings its author likes.
#[test]
fn settings_of_an_unpacked_clone_run_nothing_when_it_is_read() {
    let world = World::embedded();
    let canary = world.path("canary");
    hooks(&canary);
    let app = world.path("app");
    world.write("app/.gitattributes", "* filter=canary diff=canary merge=canary\n");
    world.git(&app, &["add", "."]);
    world.git(&app, &["commit", "--quiet", "-m", "attributes"]);
    let config = fs::read_to_string(app.join(".git/config")).unwrap();
    let config = config.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
    fs::write(app.join(".git/config"), format!("{config}{}", settings(&canary))).unwrap();
    // Its index is older than its files, so that git reads them, and an object is missing.
    world.write("app/src/api.ts", "two\n");
    let touched = world.at("app").run("touch", &["-d", "2001-01-01", "docs/guide.md"]);
    assert_eq!(touched.status, Some(0), "{touched}");
    nothing_runs(&world, "app", &canary, &["app/src/api.ts"]);
}

/// The tests above are worth nothing if git itself would not run the canary.
#[test]
fn git_itself_would_run_it() {
    let (world, canary) = hostile(|world, canary| {
        embed(world, "app/.coordination", canary, "..");
    });
    let ran = world.at("victim/.coordination").run("git", &["status"]);
    assert!(canary.exists(), "{ran}");
}

#[test]
fn a_bare_looking_directory_is_named() {
    let (world, _) = hostile(|world, canary| embed(world, "app/lib/x", canary, "../.."));
    let ran = world.at("victim/lib/x").coord(&["claims"]);
    assert_ne!(ran.status, Some(0), "{ran}");
    assert!(ran.stderr.contains("victim/lib/x"), "{ran}");
}
