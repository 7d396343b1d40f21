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
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"");
    assert_snapshot!(world.alice().within("src").coord(&["ownership", "lint", "--json"]), @"");
    let elsewhere = world.at("home").coord(&["ownership", "lint", "../app/.coordination/owners.yaml"]).ok();
    assert_snapshot!(elsewhere, @"");
}

#[test]
fn what_is_wrong_is_named_by_line_column_and_key() {
    let world = world(&RULES.replace("/Makefile", "' '"));
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "--json"]), @"");
    world.write("app/other.yaml", "areas: [\n");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "other.yaml"]), @"");
    world.write("app/other.yaml", "owners: {}\n");
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "other.yaml"]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "docs"]), @"");
}

#[test]
fn rules_that_cannot_be_read() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["ownership", "lint"]), @"");
    assert_snapshot!(world.at("home").coord(&["ownership", "lint"]), @"");
    std::fs::write(world.path("app/latin.yaml"), b"areas: \xff\n").unwrap();
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "latin.yaml"]), @"");
    world.write("app/large.yaml", &"# all of it\n".repeat(100_000));
    assert_snapshot!(world.alice().coord(&["ownership", "lint", "large.yaml"]), @"");
}

#[test]
fn whose_a_path_is() {
    let world = world(RULES);
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/auth/login.ts"]), @"");
    assert_snapshot!(world.alice().within("src").coord(&["ownership", "who", "api.ts"]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "."]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/api.ts", "--json"]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "Makefile", "--json"]), @"");
    world.write("app/other.yaml", "modules: {all: {paths: ['**'], owners: [\"e\u{1b}[31mve\"]}}\n");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "docs/x", "--file", "other.yaml"]), @"");
    assert_snapshot!(world.alice().coord(&["ownership", "who", "src/[z-a]"]), @"");
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
