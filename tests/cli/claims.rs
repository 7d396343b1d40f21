//! `coord claims`

use insta::assert_snapshot;

use super::harness::{World, both};

#[test]
fn nobody_holds_anything() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        --- stderr
        nothing is claimed in app
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--mine"]), @"
        --- stderr
        you hold nothing in app
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--engineer", "carol"]), @"
        --- stderr
        carol holds nothing in app
        hint: `coord claims` shows who holds what
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--all-repos"]), @"
        --- stderr
        nothing is claimed in any repository
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--json"]), @r#"
        {
          "claims": [],
          "count": 0
        }
        --- status 0
        "#);
    });
}

#[test]
fn who_holds_what() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth", "-m", "login form"]).ok();
        world.bob().coord(&["claim", "docs/guide.md", "--ttl", "10m"]).ok();
        world.bob().coord(&["claim", "--shared", "Makefile"]).ok();
        world.bob().coord(&["claim", "src/api.ts::Router::get"]).ok();
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        ID        HOLDER                SCOPE                    TYPE         LEFT      ABOUT
        01234567  alice/cli/bob         docs/guide.md            file              10m  bob
        01234567  alice/cli/bob         Makefile                 shared_file  30m idle  bob
        01234567  alice/cli/main (you)  src/auth/                file         30m idle  login form
        01234567  alice/cli/bob         src/api.ts::Router::get  file         30m idle  bob
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claims", "--mine"]), @"
        ID        HOLDER               SCOPE                    TYPE         LEFT      ABOUT
        01234567  alice/cli/bob (you)  docs/guide.md            file              10m  bob
        01234567  alice/cli/bob (you)  Makefile                 shared_file  30m idle  bob
        01234567  alice/cli/bob (you)  src/api.ts::Router::get  file         30m idle  bob
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claims", "--engineer", "alice/cli/main"]), @"
        ID        HOLDER          SCOPE      TYPE  LEFT      ABOUT
        01234567  alice/cli/main  src/auth/  file  30m idle  login form
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--all-repos"]), @"
        ID        REPO  HOLDER                SCOPE                    TYPE         LEFT      ABOUT
        01234567  app   alice/cli/bob         docs/guide.md            file              10m  bob
        01234567  app   alice/cli/bob         Makefile                 shared_file  30m idle  bob
        01234567  app   alice/cli/main (you)  src/auth/                file         30m idle  login form
        01234567  app   alice/cli/bob         src/api.ts::Router::get  file         30m idle  bob
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--repo", "other"]), @"
        --- stderr
        nothing is claimed in other
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
    });
}

#[test]
fn json_has_the_whole_row() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth", "-m", "login form"]).ok();
        assert_snapshot!(world.alice().coord(&["claims", "--json"]), @r#"
        {
          "claims": [
            {
              "id": "[uuid]",
              "engineer": "alice/cli/main",
              "branch": "main",
              "description": "login form",
              "claim_type": "file",
              "pattern": "src/auth/",
              "severity": "soft",
              "created_at": "[time]",
              "expires_at": "[time]",
              "released_at": null,
              "repo": "app",
              "session_id": "[session]",
              "last_activity": "[time]",
              "coexists_with": null,
              "ttl_shortened": 0,
              "scope_type": "file",
              "narrowable": 1,
              "symbols": null,
              "literal": false,
              "idle_expires_at": "[time]"
            }
          ],
          "count": 1
        }
        --- status 0
        "#);
    });
}

#[test]
fn what_is_over_is_listed_when_asked_for() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.alice().coord(&["release", "--all"]).ok();
        world.alice().coord(&["claim", "src"]).ok();
        assert_snapshot!(world.alice().coord(&["claims", "--all"]), @"
        ID        HOLDER                SCOPE  TYPE  LEFT      ABOUT
        01234567  alice/cli/main (you)  src/   file  30m idle  main
        01234567  alice/cli/main (you)  docs/  file      over  main
        --- status 0
        ");
    });
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        // The reader has gone before the first byte is written, and the status is that of `coord`.
        let line = "mkfifo pipe; (exec 3<pipe; exec 3<&-; : >left) & exec 4>pipe; \
                    while [ ! -e left ]; do :; done; coord claims >&4; echo $? >status; cat status";
        for line in [line.to_owned(), line.replace("coord claims", "coord claims --json")] {
            let ran = world.alice().shell(&format!("rm -f pipe left; {line}"));
            assert_snapshot!(ran, @"
            0
            --- status 0
            ");
        }
    });
}

#[test]
fn not_in_a_clone() {
    let world = World::empty();
    assert_snapshot!(world.at("home").coord(&["claims"]), @"
    --- stderr
    error: [dir]/home is not inside a git work tree
    hint: run coord inside a clone, or make one here with `git init`
    --- status 1
    ");
}

#[test]
fn in_a_bare_repository() {
    let world = World::empty();
    world.git(&world.path("home"), &["init", "--quiet", "--bare", "."]);
    assert_snapshot!(world.at("home").coord(&["claims"]), @"
    --- stderr
    error: [dir]/home is a bare repository, which has no files to claim
    hint: run coord in one of its worktrees, or add one with `git worktree add DIRECTORY`
    --- status 1
    ");
}

#[test]
fn before_the_first_commit() {
    let world = World::empty();
    world.git(&world.path("home"), &["init", "--quiet", "-b", "trunk", "."]);
    assert_snapshot!(world.at("home").coord(&["claim", "src"]), @"
    claimed src 01234567 for 4h
    --- stderr
      let go after 30m without a coord command in this worktree
    warning: src matches no tracked file yet
    --- status 0
    ");
    assert_snapshot!(world.at("home").coord(&["claims"]), @"
    ID        HOLDER                 SCOPE  TYPE  LEFT      ABOUT
    01234567  alice/cli/trunk (you)  src    file  30m idle  trunk
    --- status 0
    ");
}

#[test]
fn contradicting_options() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["claims", "--mine", "--engineer", "carol"]), @"
    --- stderr
    error: the argument '--mine' cannot be used with '--engineer <NAME>'

    Usage: coord claims --mine

    For more information, try '--help'.
    --- status 2
    ");
}

#[test]
fn all_shows_what_is_active_however_much_happened_since() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let elsewhere = world.alice().env("COORD_REPO_ID", "team/other");
        let patterns: Vec<String> = (0..210).map(|number| format!("d{number}/x.ts")).collect();
        let claim: Vec<&str> = ["claim"].into_iter().chain(patterns.iter().map(String::as_str)).collect();
        elsewhere.coord(&claim).ok();
        elsewhere.coord(&["release", "--all"]).ok();
        assert_snapshot!(world.alice().coord(&["claims", "--all"]), @"
        ID        HOLDER                SCOPE  TYPE  LEFT      ABOUT
        01234567  alice/cli/main (you)  docs/  file  30m idle  main
        --- status 0
        ");
    });
}
