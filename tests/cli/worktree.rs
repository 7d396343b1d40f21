//! `coord worktree`.

use insta::assert_snapshot;

use super::harness::{World, both};
use super::init::installed;

#[test]
fn added_listed_removed() {
    both(|world| {
        let alice = world.alice();
        assert_snapshot!(alice.coord(&["worktree", "add", "fix-login"]), @"
        added [dir]/app-worktrees/fix-login on branch fix-login
        who works there is alice/cli/fix-login
        --- stderr
        hint: start an agent there: `cd [dir]/app-worktrees/fix-login && claude`
        --- status 0
        ");
        let there = world.at("app-worktrees/fix-login");
        there.coord(&["claim", "src/auth/**"]).ok();
        alice.coord(&["claim", "docs"]).ok();
        let ran = alice.coord(&["claim", "src/auth/login.ts"]);
        assert!(ran.status == Some(3) && ran.stderr.contains("alice/cli/fix-login"), "{ran}");
        assert_snapshot!(alice.coord(&["worktree", "list"]), @"
        NAME       BRANCH     ENGINEER             CLAIMS  PATH
        app        main       alice/cli/main       1       [dir]/app
        fix-login  fix-login  alice/cli/fix-login  1       [dir]/app-worktrees/fix-login
        --- status 0
        ");
        world.write("app-worktrees/fix-login/new.ts", "");
        assert_snapshot!(alice.coord(&["worktree", "remove", "fix-login"]), @"
        --- stderr
        error: [dir]/app-worktrees/fix-login has changes that would be lost
        hint: commit them there, or lose them: `coord worktree remove fix-login --force`
        --- status 1
        ");
        // Somebody's own session is not the one that ends.
        let pinned = alice.clone().env("COORD_SESSION_ID", "pinned");
        pinned.coord(&["claim", "Makefile"]).ok();
        assert_snapshot!(pinned.coord(&["worktree", "remove", "fix-login", "--force"]), @"
        removed [dir]/app-worktrees/fix-login
        1 claim let go
        --- stderr
        hint: its branch is still there: `git branch -d fix-login`
        --- status 0
        ");
        assert!(!world.path("app-worktrees/fix-login").exists());
        let claims = alice.coord(&["claims", "--json"]).ok().json();
        assert_eq!(claims["count"], 2, "{claims}");
    });
}

#[test]
fn where_and_on_what() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes", "--tool", "codex"]).ok();
    world.git(&world.path("app"), &["branch", "there"]);
    let ran = place.coord(&["worktree", "add", "one", "../one", "--branch", "there"]).ok();
    assert!(ran.stderr.contains("one && codex`"), "{ran}");
    let made = place.coord(&["worktree", "add", "two", "--from", "there", "--json"]).ok().json();
    assert_eq!((made["branch"].as_str(), made["engineer"].as_str()), (Some("two"), Some("alice/cli/two")));
    // It goes by the settings beside the repository.
    let ran = installed(&world, "one").coord(&["doctor"]).ok();
    assert!(ran.stdout.contains("app/.coordination/config.toml"), "{ran}");
    assert_snapshot!(place.coord(&["worktree", "add", "../x"]), @"
    --- stderr
    error: `../x` is no name for a directory
    hint: take letters, digits and dashes, such as fix-login
    --- status 2
    ");
    assert_snapshot!(place.coord(&["worktree", "add", "three", "--branch", "there"]), @"
    --- stderr
    error: `git worktree add --quiet -- [dir]/app-worktrees/three there` failed: 'there' is already used by worktree at '[dir]/one'
    --- status 1
    ");
    assert_snapshot!(place.coord(&["worktree", "remove", "app"]), @"
    --- stderr
    error: [dir]/app is the main worktree of the clone
    hint: `coord worktree list` shows the others
    --- status 1
    ");
    assert_snapshot!(place.coord(&["worktree", "remove", "nothing"]), @"
    --- stderr
    error: there is no worktree nothing
    hint: `coord worktree list` shows them
    --- status 1
    ");
}

#[test]
fn where_nothing_is_committed_yet() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "app"]);
    assert_snapshot!(world.at("app").coord(&["worktree", "add", "one"]), @"
    --- stderr
    error: [dir]/app has no commit yet, and a worktree starts from one
    hint: make one: `git add --all && git commit -m start`
    --- status 1
    ");
}

#[test]
fn who_is_named_lets_go_there_too() {
    let world = World::embedded();
    let ada = world.alice().env("COORD_ENGINEER", "ada");
    ada.coord(&["worktree", "add", "one", "../one"]).ok();
    world.at("one").env("COORD_ENGINEER", "ada").coord(&["claim", "docs"]).ok();
    ada.coord(&["worktree", "remove", "one"]).ok();
    assert_eq!(ada.coord(&["claims", "--json"]).json()["count"], 0);
}
