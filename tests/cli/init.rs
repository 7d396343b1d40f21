//! `coord init`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use super::harness::{COORD, Place, TOKEN, World};

/// A directory of the world where `coord` and `coord-mcp` are on `PATH`, as they are once installed.
pub(crate) fn installed<'a>(world: &'a World, relative: &str) -> Place<'a> {
    let bin = world.path("bin");
    if !bin.exists() {
        world.write("bin/coord-mcp", "#!/bin/sh\n");
        symlink(COORD, bin.join("coord")).unwrap();
    }
    executable(world, "bin/coord-mcp");
    #[expect(clippy::disallowed_methods, reason = "git is where this process finds it")]
    let path = std::env::var("PATH").unwrap();
    world.at(relative).env("PATH", &format!("{}:{path}", bin.display()))
}

pub(crate) fn executable(world: &World, relative: &str) {
    fs::set_permissions(world.path(relative), fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn read(world: &World, relative: &str) -> String {
    fs::read_to_string(world.path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// What git would commit, with its content.
fn committed(world: &World, place: &Place<'_>) -> String {
    place.run("git", &["add", "--all"]).ok();
    let names = place.run("git", &["ls-files"]).ok().stdout;
    names
        .lines()
        .map(|name| format!("== {name}\n{}", fs::read_to_string(world.path("app").join(name)).unwrap()))
        .collect()
}

/// An `app` with a bare `origin` that it can push to.
pub(crate) fn with_origin() -> World {
    let world = World::embedded();
    world.git(&world.path(""), &["init", "--quiet", "--bare", "-b", "main", "origin.git"]);
    world.git(&world.path("app"), &["remote", "add", "origin", "../origin.git"]);
    world.git(&world.path("app"), &["push", "--quiet", "origin", "main"]);
    world
}

/// Commits a change of a file and pushes it.
pub(crate) fn push(world: &World, place: &Place<'_>, file: &str) -> super::harness::Ran {
    world.write(&format!("app/{file}"), &format!("{}two\n", read(world, &format!("app/{file}"))));
    world.git(&world.path("app"), &["commit", "--quiet", "--all", "-m", "more"]);
    place.run("git", &["push", "origin", "HEAD"])
}

#[test]
fn an_empty_repository_alone() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "app"]);
    let place = installed(&world, "app");
    assert_snapshot!(place.coord(&["init", "--yes"]), @"
    new       .mcp.json
    new       CLAUDE.md
    new       .claude/settings.json
    new       .gitignore
    new       .coordination/config.toml
    new       .coordination/local.env
    new       .coordination/owners.yaml
    new       .coordination/hooks/pre-push
    new       .git/hooks/pre-push
    new       .coordination/made
    --- stderr
    hint: commit what is for every clone: `git add .mcp.json CLAUDE.md .claude/settings.json .gitignore`
    hint: `coord doctor` checks all of it
    --- status 0
    ");
    assert_snapshot!(place.coord(&["init", "--yes"]).stdout, @"
    unchanged .mcp.json
    unchanged CLAUDE.md
    unchanged .claude/settings.json
    unchanged .gitignore
    unchanged .coordination/config.toml
    unchanged .coordination/local.env
    unchanged .coordination/owners.yaml
    unchanged .coordination/hooks/pre-push
    unchanged .git/hooks/pre-push
    unchanged .coordination/made
    ");
    assert_snapshot!(read(&world, "app/.mcp.json"), @r#"
    {
      "mcpServers": {
        "coord": {
          "command": "coord-mcp",
          "args": [],
          "env": {}
        }
      }
    }
    "#);
    assert_snapshot!(read(&world, "app/.coordination/config.toml"), @r#"
    # How `coord init` set this clone up; `coord upgrade` brings all of it up to date.
    version = 1
    tool = "claude"
    tools = ["claude"]
    mode = "embedded"
    ownership_file = ".coordination/owners.yaml"
    local_env_file = ".coordination/local.env"
    repo_id = "app"
    "#);
    assert_snapshot!(read(&world, "app/.coordination/local.env"), @"
    # This clone's own values, the token among them. Git ignores this file; keep it to yourself.
    COORD_REPO_ID=app
    ");
    assert_snapshot!(read(&world, "app/.coordination/owners.yaml"), @"
    # Whose paths are whose, and which are delicate (severity: hard). `coord ownership lint` checks this file,
    # `coord ownership who PATH` asks it; see docs/ownership.md of coord.
    areas:
      src:
        paths:
          - src/**
        owners: [team]
        severity: soft
      shared-root:
        paths:
          - /package.json
          - /README.md
        owners: [team]
        severity: hard
    ");
    let mode = fs::metadata(world.path("app/.coordination/local.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!committed(&world, &place).contains(".coordination/local.env"));
}

#[test]
fn a_remote_service_and_every_tool() {
    let world = World::embedded();
    let place = installed(&world, "app").env("COORD_AUTH_TOKEN", TOKEN);
    let tools = ["--tool", "claude", "--tool", "codex", "--tool", "cursor"];
    let url = ["--service-url", "https://coord.example/"];
    place.coord(&[&["init", "--yes"], &tools[..], &url[..]].concat()).ok();
    let all = committed(&world, &place);
    assert!(
        !all.contains(TOKEN)
            && !all.contains("coord.example")
            && !all.contains(world.path("").to_str().unwrap())
    );
    for want in
        ["== .codex/config.toml", "== .cursor/rules/coordination.mdc\n---\n", "== AGENTS.md", "set-me"]
    {
        assert!(all.contains(want), "{want} is not in {all}");
    }
    assert_snapshot!(read(&world, "app/.coordination/local.env"), @"
    # This clone's own values, the token among them. Git ignores this file; keep it to yourself.
    COORD_API_URL=https://coord.example
    COORD_SERVICE_URL=https://coord.example
    COORD_AUTH_TOKEN=sesame-open
    COORD_REPO_ID=app
    ");
    assert_snapshot!(read(&world, "app/.codex/config.toml"), @r#"
    # coord:begin
    [mcp_servers.coord]
    command = "coord-mcp"
    args = []

    [mcp_servers.coord.env]
    COORD_API_URL = "http://127.0.0.1:8080"
    COORD_AUTH_TOKEN = "set-me"
    COORD_REPO_ID = "example-org/example-repo"
    # coord:end
    "#);
    // Without the variable, the token is the one that was kept.
    let again = installed(&world, "app").coord(&["init", "--yes"]).ok();
    assert!(again.stdout.lines().all(|line| line.starts_with("unchanged")), "{again}");
}

#[test]
fn a_token_in_a_committed_file_is_moved() {
    let world = World::embedded();
    world.write(
        "app/.mcp.json",
        r#"{"mcpServers": {"coord": {"command": "/x", "args": [], "env": {"COORD_AUTH_TOKEN": "real-one"}}}}"#,
    );
    let place = installed(&world, "app");
    let ran = place.coord(&["init", "--yes", "--service-url", "https://coord.example"]).ok();
    assert!(ran.stderr.contains(".mcp.json held a token"), "{ran}");
    assert!(!committed(&world, &place).contains("real-one"));
    assert!(read(&world, "app/.coordination/local.env").contains("COORD_AUTH_TOKEN=real-one\n"));
}

#[test]
fn tools_in_use_are_found_and_others_content_stays() {
    let world = World::embedded();
    let json =
        "{\n    \"z\": 1.50,\n    \"mcpServers\": {\n        \"other\": {\"command\": \"o\"}\n    }\n}";
    world.write("app/.cursor/mcp.json", json);
    world.write("app/AGENTS.md", "# Ours\r\n");
    world.write("app/.codex/config.toml", "# mine\nmodel = \"m\"");
    world.write("app/.gitignore", "/dist");
    let ran = installed(&world, "app").coord(&["init", "--yes"]).ok();
    assert_snapshot!(ran.stdout, @"
    changed   .codex/config.toml
    changed   AGENTS.md
    changed   .cursor/mcp.json
    new       .cursor/rules/coordination.mdc
    new       .codex/hooks.json
    new       .cursor/hooks.json
    changed   .gitignore
    new       .coordination/config.toml
    new       .coordination/local.env
    new       .coordination/owners.yaml
    new       .coordination/hooks/pre-push
    new       .git/hooks/pre-push
    new       .coordination/made
    ");
    let merged = read(&world, "app/.cursor/mcp.json");
    assert!(merged.starts_with("{\n    \"z\": 1.50,\n    \"mcpServers\": {\n        \"other\": {\"command\": \"o\"},\n        \"coord\": {\n            \"command\""), "{merged}");
    assert!(read(&world, "app/AGENTS.md").starts_with("# Ours\r\n\r\n<!-- coord:begin -->\r\n"));
    assert!(
        read(&world, "app/.codex/config.toml")
            .starts_with("# mine\nmodel = \"m\"\n# coord:begin\n[mcp_servers.coord]\n")
    );
    assert_eq!(read(&world, "app/.gitignore"), "/dist\n# coord:begin\n/.coordination/\n# coord:end\n");
    assert!(!world.path("app/.mcp.json").exists());
}

#[test]
fn what_cannot_be_understood_stops_everything() {
    let world = World::embedded();
    let place = installed(&world, "app");
    let status = || place.run("git", &["status", "--porcelain", "--ignored"]).ok().stdout;
    world.write("app/.mcp.json", "{\n  \"a\": 1,\n  oops\n}\n");
    assert_snapshot!(place.coord(&["init", "--yes"]), @"
    --- stderr
    error: [dir]/app/.mcp.json:3:3: Expected string for object property
    hint: nothing was changed; correct the file and try again
    --- status 1
    ");
    assert_eq!(status(), "?? .mcp.json\n");
    fs::remove_file(world.path("app/.mcp.json")).unwrap();
    world.write("app/.codex/config.toml", "a = 1\nb = \n");
    assert_snapshot!(place.coord(&["init", "--yes"]), @"
    --- stderr
    error: [dir]/app/.codex/config.toml:2:5: string values must be quoted, expected literal string
    hint: nothing was changed; correct the file and try again
    --- status 1
    ");
    assert_eq!(status(), "?? .codex/\n");
    fs::remove_dir_all(world.path("app/.codex")).unwrap();
    world.write("app/CLAUDE.md", "a\n<!-- coord:begin -->\n");
    assert_snapshot!(place.coord(&["init", "--yes"]), @"
    --- stderr
    error: [dir]/app/CLAUDE.md:2: `coord:begin` without a `coord:end`
    hint: nothing was changed; remove the marks and what is between them, and try again
    --- status 1
    ");
    assert_eq!(status(), "?? CLAUDE.md\n");
}

#[test]
fn nothing_is_written_through_a_link() {
    let world = World::embedded();
    let place = installed(&world, "app");
    world.write("elsewhere/notes.md", "mine\n");
    symlink("../elsewhere/notes.md", world.path("app/CLAUDE.md")).unwrap();
    assert_snapshot!(place.coord(&["init", "--yes"]), @"
    --- stderr
    error: [dir]/app/CLAUDE.md is a symbolic link, and nothing is written through one
    hint: nothing was changed; put a file in the place of [dir]/app/CLAUDE.md, or leave that part out
    --- status 1
    ");
    fs::remove_file(world.path("app/CLAUDE.md")).unwrap();
    for link in [".coordination", ".cursor"] {
        symlink("../elsewhere", world.path("app").join(link)).unwrap();
        let ran = place.coord(&["init", "--yes", "--tool", "cursor"]);
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stderr.contains(&format!("app/{link} is a symbolic link")), "{ran}");
        fs::remove_file(world.path("app").join(link)).unwrap();
    }
    fs::remove_dir_all(world.path("app/.git/hooks")).unwrap();
    symlink("../../elsewhere", world.path("app/.git/hooks")).unwrap();
    let ran = place.coord(&["init", "--yes"]);
    assert!(
        ran.stderr.contains("no hook was installed") && ran.stderr.contains(".git/hooks is a symbolic link"),
        "{ran}"
    );
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 1);
    assert_eq!(read(&world, "elsewhere/notes.md"), "mine\n");
}

#[test]
fn a_guide_that_is_a_link_to_another_tools_guide() {
    let world = World::embedded();
    let place = installed(&world, "app");
    world.write("app/AGENTS.md", "# Agents\n");
    symlink("AGENTS.md", world.path("app/CLAUDE.md")).unwrap();
    let ran = place.coord(&["init", "--yes", "--tool", "claude"]).ok();
    assert!(ran.stdout.contains("changed   AGENTS.md\n") && !ran.stdout.contains("CLAUDE.md"), "{ran}");
    assert!(fs::symlink_metadata(world.path("app/CLAUDE.md")).unwrap().is_symlink());
    let ran = place.coord(&["doctor"]).ok();
    assert!(ran.stdout.contains("OK    claude agents are told (AGENTS.md)"), "{ran}");
    // What both read does not set up a tool that nobody asked for.
    place.coord(&["upgrade"]).ok();
    assert!(!world.path("app/.codex").exists());
    place.coord(&["init", "--yes", "--tool", "claude", "--tool", "codex"]).ok();
    assert_eq!(read(&world, "app/AGENTS.md").matches("coord:begin").count(), 1);
    place.coord(&["uninit", "--yes"]).ok();
    assert_eq!(read(&world, "app/AGENTS.md"), "# Agents\n");
}

#[test]
fn what_git_ignores_is_not_to_be_committed() {
    let world = World::embedded();
    world.write("app/.gitignore", ".claude/\n");
    let ran = installed(&world, "app").coord(&["init", "--yes"]).ok();
    assert!(ran.stderr.contains("`git add .mcp.json CLAUDE.md .gitignore`"), "{ran}");
}

#[test]
fn names_that_a_shell_would_trip_over() {
    let world = World::empty();
    let name = "it's a \"$HOME\" `x`";
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", name]);
    let place = installed(&world, name);
    place.coord(&["init", "--yes"]).ok();
    place.coord(&["doctor"]).ok();
    let claims = place.coord(&["status", "--json"]).ok().json();
    assert_eq!(claims["repo"], name, "{claims}");
    let again = place.coord(&["init", "--yes"]).ok();
    assert!(again.stdout.lines().all(|line| line.starts_with("unchanged")), "{again}");
}

#[test]
fn a_push_is_checked() {
    let world = with_origin();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    let ran = push(&world, &place, "docs/guide.md").ok();
    assert!(!ran.stderr.contains("coord"), "{ran}");
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("this push changes what others hold"), "{ran}");
    // From another worktree, which has no settings of its own.
    let ran = installed(&world, "bob").run("git", &["push", "origin", "HEAD:bob"]).ok();
    assert!(ran.stderr.contains("[new branch]"), "{ran}");
    let elsewhere = installed(&world, "bob").env("COORD_ENGINEER", "carol").env("COORD_SESSION_ID", "c");
    world.write("bob/src/api.ts", "three\n");
    world.git(&world.path("bob"), &["commit", "--quiet", "--all", "-m", "mine"]);
    let ran = elsewhere.run("git", &["push", "origin", "HEAD:bob"]);
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
}

#[test]
fn a_hook_that_was_there_runs_too() {
    let world = with_origin();
    let place = installed(&world, "app");
    world.write(
        "app/.git/hooks/pre-push",
        "#!/bin/sh\necho \"theirs: $1 $(cat)\" >>../log\n[ ! -e ../refuse ]\n",
    );
    executable(&world, "app/.git/hooks/pre-push");
    let ran = place.coord(&["init", "--yes"]).ok();
    assert!(
        ran.stdout.contains("moved     ") && ran.stderr.contains("is kept, and runs after coord's"),
        "{ran}"
    );
    let again = place.coord(&["init", "--yes"]).ok();
    assert!(again.stdout.lines().all(|line| line.starts_with("unchanged")), "{again}");
    push(&world, &place, "docs/guide.md").ok();
    let log = read(&world, "log");
    assert!(
        log.starts_with("theirs: origin refs/heads/main ") || log.starts_with("theirs: origin HEAD "),
        "{log}"
    );
    // Theirs refuses.
    world.write("refuse", "");
    assert_eq!(push(&world, &place, "docs/guide.md").status, Some(1));
    fs::remove_file(world.path("refuse")).unwrap();
    // Coord refuses.
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
    world.bob().coord(&["release", "--all"]).ok();
    place.run("git", &["push", "origin", "HEAD"]).ok();
    assert_eq!(read(&world, "log").lines().count(), 3);
}

#[test]
fn a_hook_that_is_a_link_is_kept_as_one() {
    let world = with_origin();
    let place = installed(&world, "app");
    world.write("app/scripts/check", "#!/bin/sh\ncat >../log\n");
    executable(&world, "app/scripts/check");
    symlink("../../scripts/check", world.path("app/.git/hooks/pre-push")).unwrap();
    place.coord(&["init", "--yes"]).ok();
    push(&world, &place, "docs/guide.md").ok();
    assert!(read(&world, "log").contains("refs/heads/main"));
    place.coord(&["uninit", "--yes"]).ok();
    assert!(world.path("app/.git/hooks/pre-push").symlink_metadata().unwrap().is_symlink());
    assert_eq!(read(&world, "app/scripts/check"), "#!/bin/sh\ncat >../log\n");
}

#[test]
fn husky_and_hooks_in_the_repository() {
    for (directory, configured) in [(".husky", ".husky/_"), (".githooks", ".githooks")] {
        let world = with_origin();
        let place = installed(&world, "app");
        let app = world.path("app");
        let theirs = "#!/bin/sh\nset -e\necho \"theirs: $(cat)\" >>../log\n";
        world.write(&format!("app/{directory}/pre-push"), theirs);
        executable(&world, &format!("app/{directory}/pre-push"));
        if directory == ".husky" {
            world.write("app/.husky/_/pre-push", "#!/bin/sh\nsh -e \"${0%/_/*}/${0##*/}\" \"$@\"\n");
            executable(&world, "app/.husky/_/pre-push");
        }
        world.git(&app, &["config", "core.hooksPath", configured]);
        place.coord(&["init", "--yes"]).ok();
        assert!(!app.join(".git/hooks/pre-push").exists());
        assert!(!committed(&world, &place).contains(world.path("").to_str().unwrap()));
        push(&world, &place, "docs/guide.md").ok();
        assert!(read(&world, "log").contains("refs/heads/main"), "{directory}");
        world.bob().coord(&["claim", "src/api.ts"]).ok();
        let ran = push(&world, &place, "src/api.ts");
        assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{directory}: {ran}");
        let doctor = place.coord(&["doctor"]).ok();
        assert!(doctor.stdout.contains("OK    hook installed"), "{doctor}");
        place.coord(&["uninit", "--yes"]).ok();
        assert_eq!(read(&world, &format!("app/{directory}/pre-push")), theirs);
        // A clone that was never set up is not held up.
        place.coord(&["init", "--yes"]).ok();
        fs::remove_dir_all(app.join(".coordination")).unwrap();
        place.run("git", &["push", "origin", "HEAD"]).ok();
    }
}

#[test]
fn hooks_that_a_tool_or_the_machine_owns() {
    let world = with_origin();
    let place = installed(&world, "app");
    let app = world.path("app");
    world.git(&app, &["config", "core.hooksPath", world.path("home/hooks").to_str().unwrap()]);
    let ran = place.coord(&["init", "--yes"]).ok();
    assert!(ran.to_string().contains("no hook was installed: core.hooksPath is [dir]/home/hooks"), "{ran}");
    assert!(!world.path("home/hooks").exists());
    world.git(&app, &["config", "--unset", "core.hooksPath"]);
    world.write("app/.git/hooks/pre-push", "#!/bin/sh\ncall_lefthook run \"pre-push\" \"$@\"\n");
    let ran = place.coord(&["init", "--yes"]).ok();
    assert!(ran.stderr.contains("lefthook-local.yml"), "{ran}");
    assert_eq!(read(&world, "app/.git/hooks/pre-push"), "#!/bin/sh\ncall_lefthook run \"pre-push\" \"$@\"\n");
    let doctor = place.coord(&["doctor"]).ok();
    assert!(doctor.stdout.contains("WARN  hook installed (by hand: lefthook"), "{doctor}");
    let theirs = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\nh=$(dirname \"$0\")\n\"$h\"/pre-push.legacy \"$@\"\n";
    world.write("app/.git/hooks/pre-push", theirs);
    executable(&world, "app/.git/hooks/pre-push");
    place.coord(&["init", "--yes"]).ok();
    assert_eq!(read(&world, "app/.git/hooks/pre-push"), theirs);
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
    place.coord(&["uninit", "--yes"]).ok();
    assert!(!world.path("app/.git/hooks/pre-push.legacy").exists());
}

#[test]
fn in_a_submodule_and_in_a_worktree() {
    let world = with_origin();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "super"]);
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../origin.git", "sub"];
    world.git(&world.path("super"), &add);
    let place = installed(&world, "super/sub");
    place.coord(&["init", "--yes"]).ok();
    assert!(world.path("super/.git/modules/sub/hooks/pre-push").exists());
    place.coord(&["doctor"]).ok();
    world.add_worktree("bob");
    let place = installed(&world, "bob");
    place.coord(&["init", "--yes"]).ok();
    assert!(world.path("app/.git/hooks/pre-push").exists() && world.path("bob/.coordination").exists());
    assert!(!world.path("app/.coordination").exists());
    place.coord(&["doctor"]).ok();
}

#[test]
fn parts_of_a_repository() {
    let world = with_origin();
    let place = installed(&world, "app");
    for root in ["src", "docs"] {
        place.coord(&["init", "--yes", "--root", root]).ok();
        assert!(world.path("app").join(root).join(".coordination/config.toml").exists());
        place.coord(&["doctor", "--root", root]).ok();
    }
    assert!(!world.path("app/.coordination").exists());
    assert!(read(&world, "app/src/.coordination/owners.yaml").contains("- src/auth/**\n"));
    let hook = read(&world, "app/.git/hooks/pre-push");
    assert_eq!(hook.matches("coord_check '").count(), 2, "{hook}");
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
    place.clone().within("src").coord(&["uninit", "--yes"]).ok();
    assert_eq!(read(&world, "app/.git/hooks/pre-push").matches("coord_check '").count(), 1);
    place.coord(&["uninit", "--yes", "--root", "docs"]).ok();
    assert!(!world.path("app/.git/hooks/pre-push").exists());
}

#[test]
fn options() {
    let world = World::embedded();
    let place = installed(&world, "app");
    assert_snapshot!(place.coord(&["init", "--mode", "remote"]), @"
    --- stderr
    error: --mode remote needs the address of the service
    hint: `coord init --mode remote --service-url https://HOST`
    --- status 2
    ");
    assert_snapshot!(place.coord(&["init", "--service-url", "coord.example"]), @"
    --- stderr
    error: --service-url is not a usable service address: it does not start with http:// or https://
    --- status 2
    ");
    assert_snapshot!(place.coord(&["init", "--mode", "embedded", "--service-url", "http://x"]), @"
    --- stderr
    error: --service-url makes no sense with --mode embedded
    hint: leave one of them out: `coord init --mode remote --service-url URL`
    --- status 2
    ");
    let ran = place.coord(&["init", "--no-hook", "--no-owners", "--json"]).ok();
    assert_snapshot!(ran, @r#"
    {
      "files": [
        {
          "path": ".mcp.json",
          "state": "new",
          "to": null
        },
        {
          "path": "CLAUDE.md",
          "state": "new",
          "to": null
        },
        {
          "path": ".claude/settings.json",
          "state": "new",
          "to": null
        },
        {
          "path": ".gitignore",
          "state": "new",
          "to": null
        },
        {
          "path": ".coordination/config.toml",
          "state": "new",
          "to": null
        },
        {
          "path": ".coordination/local.env",
          "state": "new",
          "to": null
        },
        {
          "path": ".coordination/made",
          "state": "new",
          "to": null
        }
      ],
      "mode": "embedded",
      "notes": [],
      "root": "[dir]/app",
      "tools": [
        "claude"
      ]
    }
    --- status 0
    "#);
    assert!(!world.path("app/.git/hooks/pre-push").exists());
    place.coord(&["doctor"]).ok();
    // What is recorded holds for the next run, too.
    place.coord(&["upgrade"]).ok();
    assert!(!world.path("app/.git/hooks/pre-push").exists());
    place.coord(&["init", "--service-url", "http://127.0.0.1:9"]).ok();
    assert!(read(&world, "app/.coordination/config.toml").contains("mode = \"local\""));
    world.write("app/.coordination/owners.yaml", "mine\n");
    place.coord(&["init"]).ok();
    assert_eq!(read(&world, "app/.coordination/owners.yaml"), "mine\n");
    place.coord(&["init", "--force"]).ok();
    assert!(read(&world, "app/.coordination/owners.yaml").contains("shared-root"));
    assert_eq!(world.at("home").coord(&["init", "--yes"]).status, Some(1));
}

#[test]
fn programs_that_are_not_on_the_path() {
    let world = with_origin();
    let place = world.alice().env("PATH", "/usr/bin:/bin");
    let ran = place.coord(&["init", "--yes"]).ok();
    assert!(ran.stderr.contains("coord-mcp is not on PATH"), "{ran}");
    assert!(read(&world, "app/.coordination/hooks/pre-push").contains(&format!("COORD='{COORD}'")));
    assert!(!committed(&world, &place).contains(COORD));
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
}

#[test]
fn a_tracked_local_env_gets_no_token() {
    let world = World::embedded();
    world.write("app/.coordination/local.env", "");
    world.git(&world.path("app"), &["add", "--force", ".coordination/local.env"]);
    let place = installed(&world, "app").env("COORD_AUTH_TOKEN", TOKEN);
    let ran = place.coord(&["init", "--yes", "--service-url", "https://coord.example"]);
    assert!(ran.status == Some(1) && ran.stderr.contains("git rm --cached"), "{ran}");
    assert_eq!(read(&world, "app/.coordination/local.env"), "");
}

#[test]
fn settings_that_were_cleaned_away() {
    let world = with_origin();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    world.bob().coord(&["claim", "src/api.ts"]).ok();
    fs::remove_dir_all(world.path("app/.coordination")).unwrap();
    let ran = push(&world, &place, "src/api.ts");
    assert!(ran.status == Some(1) && ran.stderr.contains("alice/cli/bob"), "{ran}");
    let ran = world.alice().env("PATH", "/usr/bin:/bin").run("git", &["push", "origin", "HEAD"]);
    assert!(ran.status == Some(1) && ran.stderr.contains("coord is not on PATH"), "{ran}");
    place.coord(&["init", "--yes"]).ok();
    world.bob().coord(&["release", "--all"]).ok();
    place.run("git", &["push", "origin", "HEAD"]).ok();
}
