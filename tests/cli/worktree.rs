//! `coord worktree`.

use insta::assert_snapshot;

use super::harness::{World, both};
use super::init::installed;

#[test]
fn added_listed_removed() {
    both(|world| {
        let alice = world.alice();
        assert_snapshot!(alice.coord(&["worktree", "add", "fix-login"]), @"");
        let there = world.at("app-worktrees/fix-login");
        there.coord(&["claim", "src/auth/**"]).ok();
        alice.coord(&["claim", "docs"]).ok();
        let ran = alice.coord(&["claim", "src/auth/login.ts"]);
        assert!(ran.status == Some(3) && ran.stderr.contains("alice/cli/fix-login"), "{ran}");
        assert_snapshot!(alice.coord(&["worktree", "list"]), @"");
        world.write("app-worktrees/fix-login/new.ts", "");
        assert_snapshot!(alice.coord(&["worktree", "remove", "fix-login"]), @"");
        // Somebody's own session is not the one that ends.
        let pinned = alice.clone().env("COORD_SESSION_ID", "pinned");
        pinned.coord(&["claim", "Makefile"]).ok();
        assert_snapshot!(pinned.coord(&["worktree", "remove", "fix-login", "--force"]), @"");
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
    assert_snapshot!(place.coord(&["worktree", "add", "../x"]), @"");
    assert_snapshot!(place.coord(&["worktree", "add", "three", "--branch", "there"]), @"");
    assert_snapshot!(place.coord(&["worktree", "remove", "app"]), @"");
    assert_snapshot!(place.coord(&["worktree", "remove", "nothing"]), @"");
}
