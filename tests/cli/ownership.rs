//! `coord ownership`

use insta::assert_snapshot;

use super::harness::World;

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
fn help_of_each_has_an_example() {
    let world = World::empty();
    for command in ["lint", "who"] {
        let ran = world.at("home").coord(&["ownership", command, "--help"]).ok();
        assert!(ran.stdout.contains(&format!("coord ownership {command}")), "{ran}");
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{ran}");
    }
}
