//! `coord repos`

use insta::assert_snapshot;

use super::harness::{World, both};

#[test]
fn nothing_yet() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["repos"]), @"
        --- stderr
        nothing has been claimed yet
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["repos", "--json"]), @r#"
        {
          "repos": [],
          "count": 0
        }
        --- status 0
        "#);
    });
}

#[test]
fn what_goes_on_where() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.alice().coord(&["release", "--all"]).ok();
        world.bob().coord(&["claim", "src"]).ok();
        world.alice().env("COORD_REPO_ID", "team/other").coord(&["claim", "src"]).ok();
        let shown = world.alice().coord(&["repos"]).ok().stdout;
        let columns = |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).count();
        assert!(shown.lines().all(|line| columns(line) == 5), "{shown}");
        assert_snapshot!(world.alice().coord(&["repos", "--json"]), @r#"
        {
          "repos": [
            {
              "repo": "app",
              "last_activity": "[time]",
              "claims_24h": 2,
              "engineers_24h": 2,
              "active_claims": 1,
              "auto_resolutions_24h": {
                "auto_coexist": 0,
                "auto_narrow": 0
              }
            },
            {
              "repo": "team/other",
              "last_activity": "[time]",
              "claims_24h": 1,
              "engineers_24h": 1,
              "active_claims": 1,
              "auto_resolutions_24h": {
                "auto_coexist": 0,
                "auto_narrow": 0
              }
            }
          ],
          "count": 2
        }
        --- status 0
        "#);
    });
}

#[test]
fn outside_a_clone() {
    let world = World::served();
    world.alice().coord(&["claim", "docs"]).ok();
    assert_eq!(world.at("home").coord(&["repos", "--json"]).ok().json()["count"], 1);
    assert_snapshot!(World::empty().at("home").coord(&["repos"]), @"
    --- stderr
    error: [dir]/home is not inside a git work tree
    hint: run coord inside a clone, or make one here with `git init`
    hint: set COORD_API_URL to list a service's from anywhere
    --- status 1
    ");
}
