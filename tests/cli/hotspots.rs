//! `coord hotspots`

use insta::assert_snapshot;

use super::harness::{World, both};

/// Lets bob be turned away from `src/api.ts` seven times, from a file with brackets in its name five, and from the guide once.
fn contended(world: &World) {
    world.alice().coord(&["claim", "src", "docs", "app"]).ok();
    for (path, times) in [("src/api.ts", 7), ("app/[id]/page.tsx", 5), ("docs/guide.md", 1)] {
        for _ in 0..times {
            assert_eq!(world.bob().coord(&["claim", path]).status, Some(3));
        }
    }
}

/// A table without the blanks between its columns, and without how long ago it was.
fn rows(table: &str) -> Vec<String> {
    let row = |line: &str| {
        let cells =
            line.split("  ").map(str::trim).filter(|cell| !cell.is_empty() && !cell.ends_with(" ago"));
        cells.collect::<Vec<_>>().join(" | ")
    };
    table.lines().map(row).collect()
}

#[test]
fn nothing_yet() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["hotspots"]), @"
        --- stderr
        nothing was refused 5 times or more in the last 30 days
        hint: `coord hotspots --min 1` lists whatever was refused
        --- status 0
        ");
    });
}

#[test]
fn what_is_refused_most_and_what_to_do_about_it() {
    both(|world| {
        contended(world);
        let table = world.alice().coord(&["hotspots"]).ok().stdout;
        assert_eq!(
            rows(&table),
            [
                "PATTERN | ATTEMPTS | ENGINEERS | LAST | SUGGESTION",
                "src/api.ts | 7 | 1 | monitor",
                "app/[[]id]/page.tsx | 5 | 1 | monitor",
            ]
        );
        let all = world.alice().coord(&["hotspots", "--min", "1", "--all-repos", "--limit", "1"]).ok().stdout;
        assert_eq!(
            rows(&all),
            [
                "REPO | PATTERN | ATTEMPTS | ENGINEERS | LAST | SUGGESTION",
                "app | src/api.ts | 7 | 1 | monitor"
            ]
        );
        assert_eq!(world.alice().coord(&["hotspots", "--repo", "o/r", "--json"]).ok().json()["count"], 0);
        assert_snapshot!(world.bob().coord(&["hotspots", "--days", "7", "--min", "6", "--json"]), @r#"
        {
          "hotspots": [
            {
              "repo": "app",
              "pattern": "src/api.ts",
              "attempted_pattern": "src/api.ts",
              "attempts": 7,
              "distinct_attempters": 1,
              "first_seen": "[time]",
              "last_seen": "[time]",
              "last_attempt": "[time]",
              "suggested_action": "monitor"
            }
          ],
          "series": [
            {
              "repo": "app",
              "pattern": "src/api.ts",
              "attempted_pattern": "src/api.ts",
              "attempts": 7,
              "distinct_attempters": 1,
              "first_seen": "[time]",
              "last_seen": "[time]",
              "last_attempt": "[time]",
              "suggested_action": "monitor"
            }
          ],
          "days": 7,
          "min_attempts": 6,
          "count": 1,
          "limit": 20
        }
        --- status 0
        "#);
    });
}

#[test]
fn what_is_promoted_is_shared_and_what_is_split_is_noted() {
    both(|world| {
        contended(world);
        assert_snapshot!(world.alice().coord(&["hotspots", "--promote", "app/[[]id]/page.tsx"]), @"
        promoted app/[[]id]/page.tsx: shared from now on
        --- stderr
        hint: `coord ownership pull` fetches the rules with it
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["hotspots", "--promote", "app/[[]id]/page.tsx"]), @"
        app/[[]id]/page.tsx is shared already
        --- status 0
        ");
        let split = ["hotspots", "--split", "src/api.ts", "--note", "one per route"];
        assert_snapshot!(world.alice().coord(&split), @"
        noted src/api.ts: to be split
        --- stderr
        hint: `coord ownership pull` fetches the rules with it
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&split), @"
        src/api.ts is to be split already
        --- status 0
        ");
        let rules = world.alice().coord(&["ownership", "pull", "-"]).ok().stdout;
        assert!(
            rules.contains("  - 'app/[[]id]/page.tsx'\n") && rules.contains("note: 'one per route'"),
            "{rules}"
        );
        let table = rows(&world.alice().coord(&["hotspots"]).ok().stdout);
        assert!(table[1].starts_with("src/api.ts | 7 | 1 | split suggested 20"), "{table:?}");
        assert_eq!(table[2], "app/[[]id]/page.tsx | 5 | 1 | shared");
        world.alice().coord(&["release", "--all"]).ok();
        for engineer in [world.alice(), world.bob()] {
            engineer.coord(&["claim", "app/[id]/page.tsx"]).ok();
        }
    });
}

#[test]
fn what_cannot_be_promoted() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["hotspots", "--promote", "src/[z-a].ts"]), @"
        --- stderr
        error: `src/[z-a].ts` cannot be written into the rules: the range `z-a` runs backwards; write `a-z`
        --- status 2
        ");
        world.write("app/owners.yaml", "x: &x [a.ts]\nshared_files: *x\n");
        world.alice().coord(&["ownership", "push", "owners.yaml"]).ok();
        assert_snapshot!(world.alice().coord(&["hotspots", "--promote", "b.ts"]), @"
        --- stderr
        error: line 2, column 1, shared_files: the list cannot be changed as it is written; write one entry a line, each after a dash
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["hotspots", "--days", "91"]), @"
        --- stderr
        error: invalid value '91' for '--days <N>': 91 is not in 1..=90

        For more information, try '--help'.
        --- status 2
        ");
    });
}

#[test]
fn a_clone_shares_by_itself_what_too_many_were_turned_away_from() {
    let world = World::embedded();
    world.alice().coord(&["claim", "src"]).ok();
    let bob = world.bob().env("COORD_AUTO_PROMOTE_THRESHOLD", "2");
    assert_eq!(bob.coord(&["claim", "src/api.ts"]).status, Some(3));
    assert_eq!(bob.coord(&["ownership", "pull", "-"]).status, Some(1));
    assert_eq!(bob.coord(&["claim", "src/api.ts"]).status, Some(3));
    let rules = bob.coord(&["ownership", "pull", "-"]).ok().stdout;
    assert!(rules.starts_with("shared_files:\n  - src/api.ts  # auto-promoted=20"), "{rules}");
    let nonsense = world.bob().env("COORD_AUTO_PROMOTE_THRESHOLD", "often").coord(&["claim", "src/api.ts"]);
    assert_snapshot!(nonsense, @"
    --- stderr
    error: COORD_AUTO_PROMOTE_THRESHOLD=\"often\" is not a whole number of at least 0
    hint: correct the variable, or unset it for its default
    --- status 2
    ");
}

#[test]
fn outside_a_clone() {
    let world = World::served();
    contended(&world);
    assert_eq!(world.at("home").coord(&["hotspots", "--json"]).ok().json()["count"], 2);
    assert_eq!(World::empty().at("home").coord(&["hotspots"]).status, Some(1));
}
