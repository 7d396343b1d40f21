//! `coord ownership`

use insta::assert_snapshot;

use super::harness::{World, both};

const RULES: &str = "# who looks after what
areas:
  core:
    paths:
      - src/auth/**
      - /Makefile
    owners: [team-core, alice]
    severity: hard
  docs:
    paths: [docs/**]   # prose
shared_files:
  - src/api.ts  # auto-promoted=2026-08-01
suggested_splits:
  - pattern: src/api.ts
";

fn world(rules: &str) -> World {
    let world = World::embedded();
    world.write("app/.coordination/owners.yaml", rules);
    world
}

#[test]
fn rules_that_make_sense() {
    let world = world(RULES);
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"
    ok [dir]/app/.coordination/owners.yaml: 3 rules, 1 shared file, 1 suggested split
    --- status 0
    ");
    assert_snapshot!(world.alice().within("src").coord(&["ownership", "lint", "--json"]), @r#"
    {
      "file": "[dir]/app/.coordination/owners.yaml",
      "ok": true,
      "rules": 3,
      "shared_files": 1,
      "suggested_splits": 1
    }
    --- status 0
    "#);
    let elsewhere = world.at("home").coord(&["ownership", "lint", "../app/.coordination/owners.yaml"]).ok();
    assert_snapshot!(elsewhere, @"
    ok ../app/.coordination/owners.yaml: 3 rules, 1 shared file, 1 suggested split
    --- status 0
    ");
}

#[test]
fn what_is_wrong_is_named_by_line_column_and_key() {
    let world = world(&RULES.replace("/Makefile", "' '"));
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"
    --- stderr
    error: [dir]/app/.coordination/owners.yaml:6:9: areas.core.paths[1]: a path must not be blank
    --- status 1
    ");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "--json"]), @r#"
    {
      "file": "[dir]/app/.coordination/owners.yaml",
      "ok": false,
      "error": {
        "line": 6,
        "column": 9,
        "key": "areas.core.paths[1]",
        "problem": "a path must not be blank"
      }
    }
    --- stderr
    error: [dir]/app/.coordination/owners.yaml:6:9: areas.core.paths[1]: a path must not be blank
    --- status 1
    "#);
    world.write("app/other.yaml", "areas: [\n");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "other.yaml"]), @"
    --- stderr
    error: other.yaml:1:8: this is not YAML: unclosed bracket '['
    --- status 1
    ");
    world.write("app/other.yaml", "owners: {}\n");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "other.yaml"]), @"
    --- stderr
    error: other.yaml: there is no rule; name paths in a block under `areas:` or `modules:`
    --- status 1
    ");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "docs"]), @"
    --- stderr
    error: [dir]/app/.coordination/owners.yaml:6:9: areas.core.paths[1]: a path must not be blank
    --- status 1
    ");
}

#[test]
fn rules_that_cannot_be_read() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"
    --- stderr
    error: cannot read `[dir]/app/.coordination/owners.yaml`
    caused by: No such file or directory (os error 2)
    hint: write the rules of the clone there, or name another file
    --- status 1
    ");
    assert_snapshot!(world.at("home").coord(&["ownership", "lint"]), @"
    --- stderr
    error: [dir]/home is not inside a git work tree
    hint: run coord inside a clone, or make one here with `git init`
    --- status 1
    ");
    std::fs::write(world.path("app/latin.yaml"), b"areas: \xff\n").unwrap();
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "latin.yaml"]), @"
    --- stderr
    error: cannot read `latin.yaml`
    caused by: it is not UTF-8
    --- status 1
    ");
    world.write("app/large.yaml", &"# all of it\n".repeat(100_000));
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "large.yaml"]), @"
    --- stderr
    error: `large.yaml` has more than 1048576 bytes, which no service takes
    --- status 1
    ");
}

#[test]
fn whose_a_path_is() {
    let world = world(RULES);
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/auth/login.ts"]), @"
    PATH         OWNERS            SEVERITY  BLOCK
    src/auth/**  team-core, alice  hard      areas.core
    not shared
    --- status 0
    ");
    assert_snapshot!(world.alice().within("src").coord(&["ownership", "who", "api.ts"]), @"
    shared: src/api.ts
    --- stderr
    no rule is about src/api.ts
    --- status 0
    ");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "."]), @"
    PATH         OWNERS            SEVERITY  BLOCK
    src/auth/**  team-core, alice  hard      areas.core
    /Makefile    team-core, alice  hard      areas.core
    docs/**                        soft      areas.docs
    not shared
    --- status 0
    ");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/api.ts", "--json"]), @r#"
    {
      "path": "src/api.ts",
      "severity": "soft",
      "rules": [],
      "shared": "src/api.ts"
    }
    --- status 0
    "#);
    assert_snapshot!(world.alice().coord(&["ownership", "who", "Makefile", "--json"]), @r#"
    {
      "path": "Makefile",
      "severity": "hard",
      "rules": [
        {
          "section": "areas",
          "name": "core",
          "path": "/Makefile",
          "owners": [
            "team-core",
            "alice"
          ],
          "severity": "hard",
          "line": 6
        }
      ],
      "shared": null
    }
    --- status 0
    "#);
    world.write("app/other.yaml", "modules: {all: {paths: ['**'], owners: [\"e\\e[31mve\"]}}\n");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "docs/x", "--file", "other.yaml"]), @"
    PATH  OWNERS    SEVERITY  BLOCK
    **    e�[31mve  soft      modules.all
    not shared
    --- status 0
    ");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/[z-a]"]), @"
    --- stderr
    error: the range `z-a` runs backwards; write `a-z`
    --- status 2
    ");
}

#[test]
fn what_is_pushed_counts_and_can_be_pulled() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["ownership", "pull"]), @"
        --- stderr
        error: there are no rules yet
        hint: write some to .coordination/owners.yaml; `coord ownership push` lets them count
        --- status 1
        ");
        world.write("app/.coordination/owners.yaml", RULES);
        assert_snapshot!(world.alice().coord(&["ownership", "push"]), @"
        pushed [dir]/app/.coordination/owners.yaml: 3 rules, 1 shared file, 1 suggested split
        --- status 0
        ");
        assert_eq!(world.bob().coord(&["ownership", "pull", "-"]).ok().stdout, RULES);
        assert_snapshot!(world.alice().coord(&["ownership", "pull"]), @"
        unchanged [dir]/app/.coordination/owners.yaml
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["ownership", "pull"]), @"
        pulled [dir]/bob/.coordination/owners.yaml
        --- status 0
        ");
        world.write("bob/.coordination/owners.yaml", "areas: {a: {paths: [x]}}\n");
        assert_snapshot!(world.bob().coord(&["ownership", "pull"]), @"
        --- stderr
        error: `[dir]/bob/.coordination/owners.yaml` says something else
        hint: `coord ownership pull -` shows what counts; --force writes over the file, `coord ownership push` lets the file count
        --- status 1
        ");
        assert_snapshot!(world.bob().coord(&["ownership", "push"]), @"
        pushed [dir]/bob/.coordination/owners.yaml: 1 rule
        --- stderr
        warning: no longer shared, though promoted by itself: src/api.ts
        hint: `coord ownership pull` before a change keeps such entries
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["ownership", "pull", "--force"]), @"
        pulled [dir]/app/.coordination/owners.yaml
        --- status 0
        ");
        let pulled = std::fs::read_to_string(world.path("app/.coordination/owners.yaml")).unwrap();
        assert_eq!(pulled, "areas: {a: {paths: [x]}}\n");
    });
}

#[test]
fn what_makes_no_sense_is_not_pushed() {
    both(|world| {
        world.write("app/.coordination/owners.yaml", "areas: {a: {paths: []}}\n");
        assert_snapshot!(world.alice().coord(&["ownership", "push"]), @"
        --- stderr
        error: [dir]/app/.coordination/owners.yaml:1:20: areas.a.paths: this must be a list with at least one path
        --- status 1
        ");
        assert_eq!(world.alice().coord(&["ownership", "pull", "-"]).status, Some(1));
    });
}

#[test]
fn lists_alone_go_there_and_back() {
    both(|world| {
        world.alice().coord(&["hotspots", "--promote", "package-lock.json"]).ok();
        world.alice().coord(&["ownership", "pull"]).ok();
        assert_snapshot!(world.alice().coord(&["ownership", "push"]), @"
        pushed [dir]/app/.coordination/owners.yaml: 0 rules, 1 shared file
        --- status 0
        ");
    });
}

#[test]
fn the_file_is_where_the_configuration_says() {
    let world = World::embedded();
    world.write("app/.coordination/config.toml", "ownership_file = \"docs/owners.yaml\"\n");
    world.write("app/docs/owners.yaml", RULES);
    assert_snapshot!(world.alice().within("src").coord(&["ownership", "push"]), @"
    pushed [dir]/app/docs/owners.yaml: 3 rules, 1 shared file, 1 suggested split
    --- status 0
    ");
    world.write("app/.coordination/config.toml", "ownership_file = \"../owners.yaml\"\n");
    assert_snapshot!(world.alice().coord(&["ownership", "pull"]), @"
    --- stderr
    error: [dir]/app/.coordination/config.toml: ownership_file is not a path inside the repository
    --- status 1
    ");
    world.write("app/.coordination/config.toml", "ownership_file = \"away/owners.yaml\"\n");
    std::os::unix::fs::symlink(world.path("home"), world.path("app/away")).unwrap();
    assert_snapshot!(world.alice().coord(&["ownership", "pull"]), @"
    --- stderr
    error: `[dir]/app/away/owners.yaml` is outside the clone
    hint: name the file, as in `coord ownership pull FILE`, if it is meant to be written there
    --- status 1
    ");
    assert!(!world.path("home/owners.yaml").exists());
    world.alice().coord(&["ownership", "pull", "away/owners.yaml"]).ok();
    assert!(world.path("home/owners.yaml").exists());
}

#[test]
fn rules_have_a_say_in_claims() {
    both(|world| {
        world.write("app/.coordination/owners.yaml", &RULES.replace(", alice", ""));
        world.alice().coord(&["ownership", "push"]).ok();
        assert_snapshot!(world.alice().coord(&["claim", "src/auth", "src/api.ts"]), @"
        claimed src/auth/ 01234567 for 4h
        claimed src/api.ts 01234567 for 2h
        --- stderr
          let go after 30m without a coord command in this worktree
        warning: src/auth/** is owned by team-core (areas.core): ask them first, as the rule is a hard one
        --- status 0
        ");
        let severities = world.alice().coord(&["claims", "--json"]).ok().json();
        let mut severities: Vec<String> = severities["claims"]
            .as_array()
            .unwrap()
            .iter()
            .map(|claim| format!("{} {}", claim["pattern"], claim["severity"]))
            .collect();
        severities.sort();
        assert_eq!(severities, ["\"src/api.ts\" \"soft\"", "\"src/auth/\" \"hard\""]);
        world.bob().coord(&["claim", "src/api.ts"]).ok();
        world.write("app/.coordination/owners.yaml", RULES);
        world.alice().coord(&["ownership", "push"]).ok();
        assert_snapshot!(world.alice().coord(&["claim", "Makefile"]), @"
        claimed Makefile 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
    });
}

#[test]
fn help_of_each_has_an_example() {
    let world = World::empty();
    for command in ["lint", "who", "push", "pull"] {
        let ran = world.at("home").coord(&["ownership", command, "--help"]).ok();
        assert!(ran.stdout.contains(&format!("coord ownership {command}")), "{ran}");
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{ran}");
    }
}
