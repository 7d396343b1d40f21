//! `coord check`

use insta::assert_snapshot;

use super::harness::{World, both};

#[test]
fn free_paths() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["check", "src/api.ts"]), @"
        free 1 path
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["check", "src/api.ts", "docs/*.md"]), @"
        free 2 paths
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["check", "src/api.ts", "--json"]), @r#"
        {
          "has_conflicts": false,
          "conflicts": [],
          "safe_to_proceed": true,
          "safe": true,
          "suggestion": null
        }
        --- status 0
        "#);
    });
}

#[test]
fn held_paths_are_a_conflict() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth", "-m", "login form"]).ok();
        assert_snapshot!(world.bob().coord(&["check", "src/auth/login.ts", "docs/guide.md"]), @"
        --- stderr
        conflict: src/auth/login.ts meets src/auth/ of alice/cli/main (01234567), held for another 4h: login form
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["check", "src"]), @"
        --- stderr
        conflict: src/ meets src/auth/ of alice/cli/main (01234567), held for another 4h: login form
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["check", "src/auth/login.ts", "--json"]), @r#"
        {
          "has_conflicts": true,
          "conflicts": [
            {
              "your_pattern": "src/auth/login.ts",
              "engineer": "alice/cli/main",
              "pattern": "src/auth/",
              "severity": "soft",
              "expires_at": "[time]",
              "overlap": [
                "src/auth/login.ts"
              ],
              "claim_id": "[uuid]",
              "description": "login form",
              "scope_type": "file",
              "symbols": null,
              "your_symbols": null,
              "symbol_overlap": null
            }
          ],
          "safe_to_proceed": false,
          "safe": false,
          "suggestion": "Conflict with alice/cli/main on src/auth/ (expires [time]). Wait for TTL, narrow your patterns, or coordinate with the other engineer."
        }
        --- status 3
        "#);
    });
}

#[test]
fn ones_own_claims_are_free() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth"]).ok();
        assert_snapshot!(world.alice().coord(&["check", "src/auth/login.ts"]), @"
        free 1 path
        --- status 0
        ");
    });
}

#[test]
fn symbols() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts::Router::get"]).ok();
        assert_snapshot!(world.bob().coord(&["check", "src/api.ts::Router::put"]), @"
        free 1 path
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["check", "src/api.ts::Router"]), @"
        --- stderr
        conflict: src/api.ts::Router meets src/api.ts::Router::get of alice/cli/main (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
    });
}

#[test]
fn brackets_in_names() {
    both(|world| {
        world.alice().coord(&["claim", "app/[id]/page.tsx"]).ok();
        assert_snapshot!(world.bob().coord(&["check", "app/[id]/page.tsx"]), @"
        --- stderr
        conflict: app/[id]/page.tsx meets app/[id]/page.tsx of alice/cli/main (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
        assert_snapshot!(world.bob().within("app/[id]").coord(&["check", "page.tsx"]), @"
        --- stderr
        conflict: app/[id]/page.tsx meets app/[id]/page.tsx of alice/cli/main (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
        assert_snapshot!(world.bob().coord(&["check", "app/d/page.tsx"]), @"
        free 1 path
        --- status 0
        ");
    });
}

#[test]
fn without_arguments_it_is_about_what_has_changed() {
    both(|world| {
        let bob = world.bob();
        assert_snapshot!(bob.coord(&["check"]), @"
        --- stderr
        nothing has changed since the last commit
        hint: `coord check PATH` checks what you are about to change
        --- status 0
        ");
        world.write("bob/src/api.ts", "two\n");
        world.write("bob/src/auth/new [file].ts", "new\n");
        assert_snapshot!(bob.within("src").coord(&["check"]), @"
        free 2 paths
        --- status 0
        ");
        world.alice().coord(&["claim", "src/auth"]).ok();
        assert_snapshot!(world.bob().within("docs").coord(&["check"]), @"
        --- stderr
        conflict: src/auth/new [file].ts meets src/auth/ of alice/cli/main (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/main to let go; `coord claims --engineer alice/cli/main` shows what they hold
        --- status 3
        ");
    });
}

#[test]
fn repositories_inside_this_one_are_passed_over() {
    let world = World::embedded();
    world.git(&world.path("app"), &["worktree", "add", "--quiet", "-b", "inner", ".worktrees/inner"]);
    assert_eq!(world.alice().coord(&["check", "--json"]).ok().json()["safe"], true);
    world.write("app/src/new.ts", "new\n");
    assert_snapshot!(world.alice().coord(&["check"]), @"
    free 1 path
    --- status 0
    ");
    world.alice().within(".worktrees/inner").coord(&["claim", "src"]).ok();
    assert_eq!(world.alice().coord(&["check"]).status, Some(3));
}

#[test]
fn json_of_nothing_to_check_is_json() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["check", "--json"]), @r#"
        {
          "has_conflicts": false,
          "conflicts": [],
          "safe_to_proceed": true,
          "safe": true,
          "suggestion": null
        }
        --- status 0
        "#);
    });
}

#[test]
fn a_thousand_changed_files() {
    both(|world| {
        world.alice().coord(&["claim", "many/7*"]).ok();
        world.bob();
        for number in 0..1100 {
            world.write(&format!("bob/many/{number}.txt"), "");
        }
        let ran = world.bob().coord(&["check", "--json"]);
        assert_eq!(ran.status, Some(3));
        // 7, 70 to 79, 700 to 799
        assert_eq!(ran.json()["conflicts"].as_array().unwrap().len(), 111);
        assert!(ran.json()["suggestion"].as_str().unwrap().contains("alice/cli/main"));
    });
}

#[test]
fn more_changed_files_than_one_request_may_hold() {
    both(|world| {
        world.alice().coord(&["claim", "many/9*"]).ok();
        world.bob();
        std::fs::create_dir(world.path("bob/many")).unwrap();
        for number in 0..10_100 {
            std::fs::write(world.path(&format!("bob/many/{number}")), "").unwrap();
        }
        let ran = world.bob().coord(&["check", "--json"]);
        assert_eq!(ran.status, Some(3), "{}", ran.stderr);
        // 9, 90 to 99, 900 to 999, 9000 to 9999
        assert_eq!(ran.json()["conflicts"].as_array().unwrap().len(), 1111);
    });
}

#[test]
fn outside() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["check", "/etc/passwd", "../x"]), @"
    --- stderr
    error: `../x` is outside the repository [dir]/app
    hint: name a path inside the repository; a leading / starts at its root
    --- status 2
    ");
}

/// Two functions with an import above them.
const AUTH: &str = "import { a } from 'a';\n\nexport function login() {\n  return 'in';\n}\n\n\
                    export function logout() {\n  return 'out';\n}\n";

/// A world whose clone has a file of two functions, one of which somebody else holds.
fn login_is_held(world: &World) {
    world.write("app/src/auth.ts", AUTH);
    world.git(&world.path("app"), &["add", "."]);
    world.git(&world.path("app"), &["commit", "--quiet", "-m", "auth"]);
    world.bob().coord(&["claim", "src/auth.ts::login"]).ok();
}

/// Writes a file of the clone and stages it.
fn stage(world: &World, path: &str, content: &str) {
    world.write(&format!("app/{path}"), content);
    world.git(&world.path("app"), &["add", "."]);
}

#[test]
fn staged() {
    both(|world| {
        login_is_held(world);
        assert_snapshot!(world.alice().coord(&["check", "--staged"]), @"
        free 0 paths
        --- status 0
        ");
        stage(world, "src/auth.ts", &AUTH.replace("'out'", "'OUT'"));
        stage(world, "new [file].ts", AUTH);
        // What is not staged does not count.
        world.write("app/src/auth.ts", "");
        assert_snapshot!(world.alice().within("docs").coord(&["check", "--staged"]), @"
        free 2 paths
        --- status 0
        ");
        stage(world, "src/auth.ts", &AUTH.replace("'in'", "'IN'"));
        assert_snapshot!(world.alice().coord(&["check", "--staged"]), @"
        --- stderr
        conflict: src/auth.ts::login meets src/auth.ts::login of alice/cli/bob (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        --- status 3
        ");
        assert_snapshot!(world.alice().coord(&["check", "--staged", "--json"]), @r#"
        {
          "has_conflicts": true,
          "conflicts": [
            {
              "your_pattern": "src/auth.ts",
              "engineer": "alice/cli/bob",
              "pattern": "src/auth.ts",
              "severity": "soft",
              "expires_at": "[time]",
              "overlap": [
                "src/auth.ts"
              ],
              "claim_id": "[uuid]",
              "description": null,
              "scope_type": "symbol",
              "symbols": [
                "login"
              ],
              "your_symbols": [
                "login"
              ],
              "symbol_overlap": [
                {
                  "file": "src/auth.ts",
                  "symbols": [
                    "login"
                  ]
                }
              ]
            }
          ],
          "safe_to_proceed": false,
          "safe": false,
          "suggestion": null
        }
        --- status 3
        "#);
        assert_snapshot!(world.bob().coord(&["check", "--staged", "--json"]), @r#"
        {
          "has_conflicts": false,
          "conflicts": [],
          "safe_to_proceed": true,
          "safe": true,
          "suggestion": null
        }
        --- status 0
        "#);
    });
}

#[test]
fn staged_before_the_first_commit() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "app"]);
    let carol = world.alice().env("COORD_ENGINEER", "carol").env("COORD_SESSION_ID", "carol");
    carol.coord(&["claim", "src"]).ok();
    stage(&world, "src/auth.ts", AUTH);
    stage(&world, "docs/guide.md", "one\n");
    assert_snapshot!(world.alice().coord(&["check", "--staged"]), @"
    --- stderr
    conflict: src/auth.ts meets src of carol (01234567), held for another 4h
    hint: `coord request 01234567` asks carol to let go; `coord claims --engineer carol` shows what they hold
    --- status 3
    ");
}

#[test]
fn staged_in_the_middle_of_a_merge() {
    let world = World::embedded();
    login_is_held(&world);
    let app = world.path("app");
    for (branch, from, to) in [("theirs", "'in'", "'theirs'"), ("ours", "{ a }", "{ b }")] {
        world.git(&app, &["checkout", "--quiet", "-b", branch, "main"]);
        stage(&world, "src/auth.ts", &AUTH.replace(from, to));
        stage(&world, "docs/guide.md", branch);
        world.git(&app, &["commit", "--quiet", "-m", branch]);
    }
    let merge = ["-c", "user.name=a", "-c", "user.email=a@b", "merge", "theirs"];
    assert_eq!(world.alice().run("git", &merge).status, Some(1));
    // What is merged was committed by others; what is not is still to come.
    assert_snapshot!(world.alice().coord(&["check", "--staged"]), @"
    free 2 paths
    --- status 0
    ");
    world.bob().coord(&["claim", "docs"]).ok();
    stage(&world, "docs/guide.md", "both\n");
    assert_snapshot!(world.alice().coord(&["check", "--staged"]), @"
    --- stderr
    conflict: docs/guide.md meets docs/ of alice/cli/bob (01234567), held for another 4h
    hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
    --- status 3
    ");
}

#[test]
fn ranges() {
    both(|world| {
        login_is_held(world);
        let app = world.path("app");
        world.git(&app, &["checkout", "--quiet", "-b", "topic"]);
        for (from, to) in [("'out'", "'OUT'"), ("'in'", "'IN'")] {
            stage(world, "src/auth.ts", &AUTH.replace("'out'", "'OUT'").replace(from, to));
            world.git(&app, &["commit", "--quiet", "-m", to]);
        }
        world.git(&app, &["checkout", "--quiet", "main"]);
        stage(world, "docs/guide.md", "two\n");
        world.git(&app, &["commit", "--quiet", "-m", "main"]);
        let check = |range: &str| world.alice().coord(&["check", "--diff", range]);
        assert_snapshot!(check("main..topic~1"), @"
        free 1 path
        --- status 0
        ");
        assert_snapshot!(check("main..topic"), @"
        --- stderr
        conflict: src/auth.ts::login meets src/auth.ts::login of alice/cli/bob (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        --- status 3
        ");
        // However the ends are written, what only the base has is left out.
        assert_eq!(check("main...topic").status, Some(3));
        assert_eq!(check("..topic").status, Some(3));
        for range in ["topic..main", "topic..", "topic", "topic...", ".."] {
            assert_eq!(check(range).status, Some(0), "{range}");
        }
        assert_snapshot!(world.alice().coord(&["check", "--diff", "main..topic", "--json"]), @r#"
        {
          "has_conflicts": true,
          "conflicts": [
            {
              "your_pattern": "src/auth.ts",
              "engineer": "alice/cli/bob",
              "pattern": "src/auth.ts",
              "severity": "soft",
              "expires_at": "[time]",
              "overlap": [
                "src/auth.ts"
              ],
              "claim_id": "[uuid]",
              "description": null,
              "scope_type": "symbol",
              "symbols": [
                "login"
              ],
              "your_symbols": [
                "login"
              ],
              "symbol_overlap": [
                {
                  "file": "src/auth.ts",
                  "symbols": [
                    "login"
                  ]
                }
              ]
            }
          ],
          "safe_to_proceed": false,
          "safe": false,
          "suggestion": null
        }
        --- status 3
        "#);
    });
}

#[test]
fn ranges_of_nothing() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["check", "--diff", "nowhere..HEAD"]), @"
    --- stderr
    error: nowhere names no commit here
    --- status 1
    ");
    assert_snapshot!(world.alice().coord(&["check", "--diff", "HEAD..HEAD"]), @"
    free 0 paths
    --- status 0
    ");
    assert_snapshot!(world.alice().coord(&["check", "--diff", "HEAD..HEAD", "--json"]), @r#"
    {
      "has_conflicts": false,
      "conflicts": [],
      "safe_to_proceed": true,
      "safe": true,
      "suggestion": null
    }
    --- status 0
    "#);
    assert_eq!(world.alice().coord(&["check", "--staged", "src"]).status, Some(2));
    assert_eq!(world.alice().coord(&["check", "--staged", "--diff", "HEAD"]).status, Some(2));
    assert_eq!(world.alice().coord(&["check", "--diff", "HEAD", "src"]).status, Some(2));
}
