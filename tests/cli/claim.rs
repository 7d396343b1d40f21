//! `coord claim`

use insta::assert_snapshot;

use super::harness::{COORD, Place, Ran, World, both};

#[test]
fn a_directory_and_a_file_are_granted() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "src/auth", "Makefile", "-m", "login form"]), @"
        claimed src/auth/ 01234567 for 4h
        claimed Makefile 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
    });
}

#[test]
fn a_refusal_says_who_what_how_long_and_what_to_do() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth/**", "-m", "login form"]).ok();
        assert_snapshot!(world.bob().coord(&["claim", "src/auth/login.ts"]), @"
        --- stderr
        conflict: src/auth/login.ts meets src/auth/** of alice/cli/main (01234567), held for another 4h: login form
        hint: `coord claim src/auth/login.ts --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["claim", "src/*"]), @"
        claimed src/* 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
    });
}

#[test]
fn all_or_nothing() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts"]).ok();
        assert_eq!(world.bob().coord(&["claim", "docs", "src/api.ts", "Makefile"]).status, Some(3));
        assert_snapshot!(world.bob().coord(&["claims", "--mine"]), @"
        --- stderr
        you hold nothing in app
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
    });
}

#[test]
fn json_of_a_grant_and_of_a_refusal() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "src/api.ts", "--json"]), @r#"
        {
          "claim_ids": [
            "[uuid]"
          ],
          "conflicts": [],
          "warnings": [],
          "options": [],
          "revision": 1,
          "granted": [
            {
              "id": "[uuid]",
              "expires_at": "[time]",
              "idle_expires_at": "[time]",
              "coexists_with": []
            }
          ]
        }
        --- status 0
        "#);
        assert_snapshot!(world.bob().coord(&["claim", "src/api.ts", "--json"]), @r#"
        {
          "claim_ids": [],
          "conflicts": [
            {
              "your_pattern": "src/api.ts",
              "conflicting_claim": {
                "id": "[uuid]",
                "engineer": "alice/cli/main",
                "pattern": "src/api.ts",
                "severity": "soft",
                "description": null,
                "expires_at": "[time]",
                "scope_type": "file",
                "symbols": null
              },
              "overlap": [
                "src/api.ts"
              ],
              "your_symbols": null,
              "symbol_overlap": null
            }
          ],
          "warnings": [],
          "options": [
            "wait",
            "narrow_claim",
            "escalate",
            "override"
          ]
        }
        --- status 3
        "#);
    });
}

#[test]
fn a_file_with_brackets_is_that_file() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "app/[id]/page.tsx"]), @"
        claimed app/[id]/page.tsx 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        world.bob().coord(&["claim", "app/i/page.tsx"]).ok();
        assert_snapshot!(world.bob().coord(&["claim", "app/[id]/page.tsx"]), @"
        --- stderr
        conflict: app/[id]/page.tsx meets app/[id]/page.tsx of alice/cli/main (01234567), held for another 4h
        hint: `coord claim 'app/[id]/page.tsx' --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["claim", "app/[id]"]), @"
        --- stderr
        conflict: app/[[]id]/ meets app/[id]/page.tsx of alice/cli/main (01234567), held for another 4h
        hint: `coord claim 'app/[id]' --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn paths_are_relative_to_where_one_is() {
    both(|world| {
        assert_snapshot!(world.alice().within("src/auth").coord(&["claim", "login.ts", "../api.ts", "/docs/guide.md"]), @"
        claimed src/auth/login.ts 01234567 for 4h
        claimed src/api.ts 01234567 for 4h
        claimed docs/guide.md 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().within("src").coord(&["claim", "auth", "."]), @"
        --- stderr
        conflict: src/auth/ meets src/auth/login.ts of alice/cli/main (01234567), held for another 4h
        conflict: src/ meets src/auth/login.ts of alice/cli/main (01234567), held for another 4h
        conflict: src/ meets src/api.ts of alice/cli/main (01234567), held for another 4h
        hint: `coord claim auth . --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn globs_float_from_where_one_is() {
    both(|world| {
        assert_snapshot!(world.alice().within("src").coord(&["claim", "*.ts"]), @"
        claimed src/**/*.ts 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claim", "src/auth/login.ts"]), @"
        --- stderr
        conflict: src/auth/login.ts meets src/**/*.ts of alice/cli/main (01234567), held for another 4h
        hint: `coord claim src/auth/login.ts --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn a_path_outside_the_repository() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "../elsewhere"]), @"
        --- stderr
        error: `../elsewhere` is outside the repository [dir]/app
        hint: name a path inside the repository; a leading / starts at its root
        --- status 2
        ");
    });
}

#[test]
fn patterns_that_make_no_sense() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "!src"]), @"
        --- stderr
        error: patterns cannot be negated; list the paths to cover, or write `./!name` for a name that begins with `!`
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["claim", "src/[z-a]"]), @"
        --- stderr
        error: the range `z-a` runs backwards; write `a-z`
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["claim", "**/../src"]), @"
        --- stderr
        error: `**/../src` names nothing that can be claimed: `..` cannot follow a wildcard
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["claim", ""]), @"
        --- stderr
        error: `` names nothing that can be claimed: it names no path
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["claim", "::x"]), @"
        --- stderr
        error: `::x` names nothing that can be claimed: it names no path
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["claim", "src/api.ts::"]), @"
        --- stderr
        error: `src/api.ts::` names nothing that can be claimed: it names no symbol after the `::`
        --- status 2
        ");
    });
}

#[test]
fn nothing_to_claim_is_a_mistake_of_usage() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["claim"]), @"
    --- stderr
    error: the following required arguments were not provided:
      <PATTERN>...

    Usage: coord claim <PATTERN>...

    For more information, try '--help'.
    --- status 2
    ");
}

#[test]
fn a_pattern_that_matches_nothing_yet_is_granted_with_a_warning() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["claim", "src/Auth/**"]), @"
    claimed src/Auth/** 01234567 for 4h
    --- stderr
      let go after 30m without a coord command in this worktree
    warning: src/Auth/** matches no tracked file yet
    --- status 0
    ");
}

#[test]
fn shared_files_meet_and_others_do_not() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "--shared", "Makefile"]), @"
        claimed Makefile 01234567 for 2h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claim", "--shared", "Makefile"]), @"
        claimed Makefile 01234567 for 2h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claim", "Makefile"]), @"
        --- stderr
        conflict: Makefile meets Makefile of alice/cli/main (01234567), held for another 2h
        hint: `coord claim Makefile --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn symbols_of_one_file() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "src/api.ts::Router::handleAuth"]), @"
        claimed src/api.ts::Router::handleAuth 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claim", "src/api.ts::logout"]), @"
        claimed src/api.ts::logout 01234567 for 4h
        --- stderr
          beside other claims on the same file; `coord claims` shows them
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claim", "src/api.ts::Router"]), @"
        --- stderr
        conflict: src/api.ts::Router meets src/api.ts::Router::handleAuth of alice/cli/main (01234567), held for another 4h
        hint: `coord claim src/api.ts::Router --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["claim", "src/api.ts"]), @"
        --- stderr
        conflict: src/api.ts meets src/api.ts::Router::handleAuth of alice/cli/main (01234567), held for another 4h
        hint: `coord claim src/api.ts --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn several_symbols_of_one_file_are_one_claim_each() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["claim", "src/api.ts::a", "src/api.ts::b", "-m", "two"]), @"
        claimed src/api.ts::a 01234567 for 4h
        claimed src/api.ts::b 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
    });
}

#[test]
fn a_module_gives_no_symbols_away() {
    both(|world| {
        world.alice().coord(&["claim", "--module", "src/auth"]).ok();
        assert_snapshot!(world.bob().coord(&["claim", "src/auth/login.ts::login"]), @"
        --- stderr
        conflict: src/auth/login.ts::login meets src/auth/ of alice/cli/main (01234567), held for another 4h
        hint: `coord claim src/auth/login.ts::login --wait 10m` waits for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
    });
}

#[test]
fn lifetimes_that_make_no_sense() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["claim", "docs", "--ttl", "soon"]), @"
    --- stderr
    error: invalid value 'soon' for '--ttl <TIME>': write it as in 90m, 4h, 2h 30m or 2d

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(world.alice().coord(&["claim", "docs", "--ttl", "0s"]), @"
    --- stderr
    error: invalid value '0s' for '--ttl <TIME>': it must be a second at least

    For more information, try '--help'.
    --- status 2
    ");
}

#[test]
fn a_lifetime_that_is_over_lets_others_in() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "--ttl", "1s"]).ok();
        world.bob().coord_until(&["claim", "docs"], |ran| ran.status == Some(0));
        assert_snapshot!(world.alice().coord(&["claim", "docs"]), @"
        --- stderr
        conflict: docs/ meets docs/ of alice/cli/bob (01234567), held for another 4h
        hint: `coord claim docs --wait 10m` waits for it; `coord request 01234567` asks alice/cli/bob to let go
        --- status 3
        ");
    });
}

#[test]
fn a_worktree_that_falls_silent_lets_others_in() {
    let world = World::embedded();
    let silent = |place: Place<'_>| place.env("COORD_IDLE_TIMEOUT_SEC", "1").coord(&["claim", "docs"]);
    silent(world.alice()).ok();
    let bob = world.bob().env("COORD_IDLE_TIMEOUT_SEC", "1");
    bob.coord_until(&["claim", "docs"], |ran| ran.status == Some(0));
}

#[test]
fn claiming_again_renews() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "--ttl", "1h"]).ok();
        assert_snapshot!(world.alice().coord(&["claim", "docs", "--ttl", "3h"]), @"
        claimed docs/ 01234567 for 3h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        ID        HOLDER                SCOPE  TYPE  LEFT      ABOUT
        01234567  alice/cli/main (you)  docs/  file  30m idle  main
        --- status 0
        ");
    });
}

#[test]
fn an_empty_message_is_none() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "-m", " "]).ok();
        assert!(world.alice().coord(&["claims", "--json"]).json()["claims"][0]["description"].is_null());
    });
}

#[test]
fn names_and_sessions_can_be_set() {
    both(|world| {
        world
            .alice()
            .env("COORD_ENGINEER", "carol")
            .env("COORD_SESSION_ID", "nightly")
            .coord(&["claim", "docs"])
            .ok();
        let held = &world.bob().coord(&["claims", "--json"]).json()["claims"][0];
        assert_eq!(
            (held["engineer"].as_str(), held["session_id"].as_str()),
            (Some("carol"), Some("nightly"))
        );
        assert_eq!(held["branch"], "main");
    });
}

#[test]
fn of_many_who_ask_at_once_one_gets_it() {
    both(|world| {
        let ended: Vec<Ran> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8)
                .map(|number| {
                    let name = format!("eng-{number}");
                    let place = world.alice().env("COORD_ENGINEER", &name).env("COORD_SESSION_ID", &name);
                    scope.spawn(move || place.coord(&["claim", "src/*.ts", "lib/**"]))
                })
                .collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        let failed: Vec<String> =
            ended.iter().filter(|ran| !matches!(ran.status, Some(0 | 3))).map(Ran::to_string).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert_eq!(ended.iter().filter(|ran| ran.status == Some(0)).count(), 1);
    });
}

#[test]
fn worktrees_of_a_bare_clone_meet() {
    let world = World::embedded();
    world.git(&world.path(""), &["clone", "--quiet", "--bare", "app", "bare.git"]);
    for name in ["one", "two"] {
        world
            .git(&world.path("bare.git"), &["worktree", "add", "--quiet", "-b", name, &format!("../{name}")]);
    }
    world.at("one").coord(&["claim", "docs"]).ok();
    assert_snapshot!(world.at("two").coord(&["claim", "docs/guide.md"]), @"
    --- stderr
    conflict: docs/guide.md meets docs/ of alice/cli/one (01234567), held for another 4h
    hint: `coord claim docs/guide.md --wait 10m` waits for it; `coord request 01234567` asks alice/cli/one to let go
    --- status 3
    ");
}

#[test]
fn two_clones_meet_at_a_service_alone() {
    let world = World::served();
    let url = "https://git.example/team/app.git";
    for name in ["one", "two"] {
        world.git(&world.path(""), &["clone", "--quiet", "app", name]);
        world.git(&world.path(name), &["remote", "set-url", "origin", url]);
        world.git(&world.path(name), &["checkout", "--quiet", "-b", name]);
    }
    world.at("one").coord(&["claim", "docs"]).ok();
    assert_snapshot!(world.at("two").coord(&["claim", "docs/guide.md"]), @"
    --- stderr
    conflict: docs/guide.md meets docs/ of alice/cli/one (01234567), held for another 4h
    hint: `coord claim docs/guide.md --wait 10m` waits for it; `coord request 01234567` asks alice/cli/one to let go
    --- status 3
    ");
    let alone = |name: &str| world.at(name).env("COORD_API_URL", "");
    alone("one").coord(&["claim", "docs"]).ok();
    alone("two").coord(&["claim", "docs"]).ok();
}

#[test]
fn inside_a_git_hook() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::embedded();
    world.bob().coord(&["claim", "src/auth"]).ok();
    world.write(
        "app/.git/hooks/pre-commit",
        &format!("#!/bin/sh\ncd src && exec {COORD} check api.ts auth\n"),
    );
    let hook = world.path("app/.git/hooks/pre-commit");
    std::fs::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.write("app/src/api.ts", "two\n");
    let commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-a", "-m", "two"];
    let ran = world.alice().run("git", &commit);
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("conflict: src/auth/ meets src/auth/ of alice/cli/bob"), "{ran}");
    world.bob().coord(&["release", "--all"]).ok();
    world.alice().run("git", &commit).ok();
}
