//! Which commits a push adds, whatever it is that is pushed.

use super::{AUTH, Clone, PASSED, blocked, push};
use crate::harness::{World, both};

#[test]
fn a_new_branch_and_a_fast_forward() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/auth.ts::handleLogin", "docs"]);
        clone.git(&["checkout", "--quiet", "-b", "topic"]);
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
        clone.edit_login();
        assert_eq!(clone.push(&["origin", "topic"]), ["src/auth.ts::handleLogin"]);
        assert_eq!(clone.push(&["origin", "topic:other"]), ["src/auth.ts::handleLogin"]);
        world.bob().coord(&["release", "--all"]).ok();
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
        clone.held(&["src/auth.ts::handleLogin"]);
        // It is on the remote by now, under any name.
        assert_eq!(clone.push(&["origin", "topic:other"]), PASSED);
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
    });
}

/// Another clone changes `main` at the remote: `handleLogin`, and a file of its own.
fn upstream(world: &World) {
    let root = world.path("upstream");
    if !root.exists() {
        world.git(&world.path(""), &["clone", "--quiet", "remote.git", "upstream"]);
    }
    world.git(&root, &["fetch", "--quiet"]);
    world.git(&root, &["reset", "--quiet", "--hard", "origin/main"]);
    let text = std::fs::read_to_string(root.join("src/auth.ts")).unwrap();
    world.write("upstream/src/auth.ts", &text.replace("return 'in", "return 'in?"));
    world.write("upstream/src/upstream.ts", &text);
    world.git(&root, &["add", "--all"]);
    world.git(&root, &["commit", "--quiet", "-m", "upstream"]);
    world.git(&root, &["push", "--quiet"]);
}

#[test]
fn a_force_push_after_a_rebase() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.git(&["checkout", "--quiet", "-b", "topic"]);
    clone.edit_logout();
    assert_eq!(clone.push(&["origin", "topic"]), PASSED);
    upstream(&world);
    clone.git(&["fetch", "--quiet"]);
    clone.git(&["rebase", "--quiet", "origin/main"]);
    clone.held(&["src/auth.ts::handleLogin", "src/upstream.ts"]);
    assert_eq!(clone.push(&["--force", "origin", "topic"]), PASSED);
    clone.held(&["src/auth.ts::handleLogout"]);
    clone.git(&["commit", "--quiet", "--amend", "-m", "other words"]);
    clone.edit("docs/guide.md", "one", "two");
    assert_eq!(clone.push(&["--force", "origin", "topic"]), ["src/auth.ts::handleLogout"]);
}

#[test]
fn an_amended_commit() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.git(&["checkout", "--quiet", "-b", "topic"]);
    clone.edit_logout();
    assert_eq!(clone.push(&["origin", "topic"]), PASSED);
    clone.held(&["src/auth.ts::handleLogin"]);
    world.write("app/src/auth.ts", &AUTH.replace("'out'", "'OUT'"));
    clone.git(&["commit", "--quiet", "--amend", "-a", "-m", "other"]);
    assert_eq!(clone.push(&["--force", "origin", "topic"]), PASSED);
    world.write("app/src/auth.ts", &AUTH.replace("'in'", "'IN'"));
    clone.git(&["commit", "--quiet", "--amend", "-a", "-m", "other"]);
    assert_eq!(clone.push(&["--force", "origin", "topic"]), ["src/auth.ts::handleLogin"]);
    // Back to where the remote was adds nothing.
    clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    assert_eq!(clone.push(&["--force", "origin", "topic"]), PASSED);
}

#[test]
fn several_refs_at_once() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin", "docs"]);
    clone.git(&["checkout", "--quiet", "-b", "one"]);
    clone.edit_logout();
    clone.git(&["checkout", "--quiet", "-b", "two", "origin/main"]);
    clone.edit_login();
    clone.git(&["checkout", "--quiet", "-b", "three", "one"]);
    clone.edit("docs/guide.md", "one", "two");
    assert_eq!(clone.push(&["origin", "one", "two"]), ["src/auth.ts::handleLogin"]);
    assert_eq!(
        clone.push(&["origin", "one", "two", "three", "main"]),
        ["docs/guide.md", "src/auth.ts::handleLogin"]
    );
    assert_eq!(clone.push(&["origin", "one", "main:other"]), PASSED);
}

#[test]
fn deletions() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.git(&["push", "--quiet", "origin", "main:gone", "main:too"]);
    clone.held(&["src", "docs"]);
    assert_eq!(clone.push(&["origin", "--delete", "gone"]), PASSED);
    clone.edit_login();
    assert_eq!(clone.push(&["origin", ":too", "main"]), ["src/auth.ts"]);
}

#[test]
fn tags() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.git(&["tag", "old-light", "HEAD~1"]);
    clone.git(&["tag", "-m", "old", "old-noted", "HEAD~1"]);
    clone.git(&["tag", "-m", "tree", "tree", "HEAD^{tree}"]);
    clone.git(&["tag", "-m", "file", "file", "HEAD:src/auth.ts"]);
    clone.git(&["tag", "bare-tree", "HEAD^{tree}"]);
    assert_eq!(clone.push(&["origin", "--tags"]), PASSED);
    clone.edit_logout();
    clone.git(&["tag", "-m", "out", "out"]);
    assert_eq!(clone.push(&["origin", "out"]), PASSED);
    // Only the tag is at the remote, and nothing here remembers it.
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit_login();
    clone.git(&["tag", "light"]);
    clone.git(&["tag", "-m", "noted", "noted"]);
    clone.git(&["tag", "-m", "twice", "twice", "noted"]);
    for tag in ["light", "noted", "twice"] {
        assert_eq!(clone.push(&["origin", tag]), ["src/auth.ts::handleLogin"], "{tag}");
    }
    assert_eq!(clone.push(&["origin", "--tags"]), ["src/auth.ts::handleLogin"]);
    clone.git(&["tag", "-d", "light", "noted", "twice"]);
    assert_eq!(clone.push(&["origin", "--tags"]), PASSED);
    assert_eq!(clone.push(&["origin", "--delete", "old-light"]), PASSED);
}

#[test]
fn the_first_push_to_an_empty_remote() {
    let world = World::embedded();
    let clone = Clone::without_remote(&world);
    clone.remote("origin", "remote.git");
    clone.held(&["src/api.ts"]);
    assert_eq!(clone.push(&["origin", "main"]), ["src/api.ts"]);
    world.bob().coord(&["release", "--all"]).ok();
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    // And to an address that no name stands for.
    clone.held(&["src/api.ts"]);
    world.git(&world.path(""), &["init", "--quiet", "--bare", "-b", "main", "other.git"]);
    assert_eq!(clone.push(&["../other.git", "main"]), PASSED);
}

#[test]
fn a_merge_of_upstream_brings_nothing_in() {
    both(|world| {
        let clone = Clone::new(world);
        clone.git(&["checkout", "--quiet", "-b", "topic"]);
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
        upstream(world);
        clone.git(&["fetch", "--quiet"]);
        clone.git(&["merge", "--quiet", "--no-edit", "origin/main"]);
        // The whole file is held, but all that is merged into it is at the remote.
        clone.held(&["src/auth.ts", "src/upstream.ts"]);
        assert_eq!(clone.push(&["origin", "topic"]), PASSED);
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "topic"]), ["src/auth.ts"]);
    });
}

#[test]
fn a_conflict_resolved_by_hand_counts() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.git(&["checkout", "--quiet", "-b", "topic"]);
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "topic"]), PASSED);
    upstream(&world);
    clone.git(&["fetch", "--quiet"]);
    let merge = || {
        let name = ["-c", "user.name=a", "-c", "user.email=a@b"];
        let merge = world.alice().run("git", &[&name[..], &["merge", "origin/main"]].concat());
        assert_eq!(merge.status, Some(1), "{merge}");
    };
    clone.held(&["src/auth.ts::handleLogin", "src/upstream.ts"]);
    merge();
    clone.commit(&[("src/auth.ts", &AUTH.replace("'in'", "'both'"))]);
    assert_eq!(clone.push(&["origin", "topic"]), ["src/auth.ts::handleLogin"]);
    // One side as it is needs nobody's leave.
    clone.git(&["reset", "--quiet", "--hard", "origin/topic"]);
    merge();
    clone.commit(&[("src/auth.ts", &AUTH.replace("'in'", "'in?'"))]);
    assert_eq!(clone.push(&["origin", "topic"]), PASSED);
}

#[test]
fn an_octopus() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    for (name, file) in [("one", "docs/guide.md"), ("two", "src/api.ts"), ("three", "Makefile")] {
        clone.git(&["checkout", "--quiet", "-b", name, "origin/main"]);
        clone.edit(file, "one", "two");
    }
    assert_eq!(clone.push(&["origin", "one", "two"]), PASSED);
    clone.git(&["merge", "--quiet", "--no-edit", "one", "two"]);
    clone.held(&["docs", "src"]);
    assert_eq!(clone.push(&["origin", "three"]), PASSED);
    clone.held(&["Makefile"]);
    assert_eq!(clone.push(&["origin", "three:other"]), PASSED);
    clone.edit("Makefile", "two", "three");
    assert_eq!(clone.push(&["origin", "three"]), ["Makefile"]);
}

#[test]
fn changed_and_changed_back() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src", "docs"]);
    clone.edit_login();
    clone.commit(&[("docs/more.md", "more\n")]);
    clone.git(&["revert", "--no-edit", "HEAD", "HEAD~1"]);
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
}

#[test]
fn a_remote_that_has_moved_on_unseen() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    upstream(&world);
    clone.held(&["src/auth.ts::handleLogin", "src/upstream.ts"]);
    clone.edit_logout();
    // Git refuses the first by itself.
    assert_eq!(push(&world.alice(), &["origin", "main"]).status, Some(1));
    assert_eq!(clone.push(&["--force", "origin", "main"]), PASSED);
    upstream(&world);
    clone.edit_login();
    assert_eq!(clone.push(&["--force", "origin", "main"]), ["src/auth.ts::handleLogin"]);
}

#[test]
fn a_second_remote_that_has_more() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.remote("fork", "fork.git");
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.edit_logout();
    // What upstream has is not what this push adds, though the fork has none of it.
    assert_eq!(clone.push(&["fork", "main"]), PASSED);
    clone.edit_login();
    assert_eq!(clone.push(&["fork", "main"]), ["src/auth.ts::handleLogin"]);
}

#[test]
fn a_detached_head() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.git(&["checkout", "--quiet", "--detach"]);
    clone.edit_logout();
    assert_eq!(clone.push(&["origin", "HEAD:refs/heads/x"]), PASSED);
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "HEAD:refs/heads/x"]), ["src/auth.ts::handleLogin"]);
    // A commit may be written in any way.
    assert_eq!(clone.push(&["origin", "HEAD@{0}:refs/heads/y"]), ["src/auth.ts::handleLogin"]);
}

#[test]
fn from_a_linked_worktree_and_from_beneath() {
    both(|world| {
        Clone::new(world);
        world.alice().coord(&["claim", "src/auth.ts::handleLogin"]).ok();
        for (from, to, want) in
            [("'out'", "'OUT'", &PASSED[..]), ("'in'", "'IN'", &["src/auth.ts::handleLogin"])]
        {
            let text = std::fs::read_to_string(world.path("bob/src/auth.ts")).unwrap();
            world.write("bob/src/auth.ts", &text.replace(from, to));
            world.git(&world.path("bob"), &["commit", "--quiet", "-a", "-m", "change"]);
            assert_eq!(blocked(&push(&world.bob().within("src/auth"), &["origin", "bob"])), want);
        }
        assert_eq!(blocked(&push(&world.bob(), &["origin", "bob"])), ["src/auth.ts::handleLogin"]);
        // From the main worktree the branch is the same, but the claim is its own.
        assert_eq!(blocked(&push(&world.alice().within("docs"), &["origin", "bob"])), PASSED);
    });
}

#[test]
fn a_shallow_clone() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.edit("docs/guide.md", "one", "two");
    clone.git(&["push", "--quiet", "origin", "main"]);
    let url = format!("file://{}", world.path("remote.git").display());
    world.git(&world.path(""), &["clone", "--quiet", "--depth", "1", &url, "shallow"]);
    std::fs::copy(world.path("app/.git/hooks/pre-push"), world.path("shallow/.git/hooks/pre-push")).unwrap();
    let place = world.at("shallow");
    place
        .clone()
        .env("COORD_ENGINEER", "carol")
        .env("COORD_SESSION_ID", "c")
        .coord(&["claim", "src/auth.ts::handleLogin", "docs"])
        .ok();
    for (from, to, want) in [("'out'", "'OUT'", &PASSED[..]), ("'in'", "'IN'", &["src/auth.ts::handleLogin"])]
    {
        let text = std::fs::read_to_string(world.path("shallow/src/auth.ts")).unwrap();
        world.write("shallow/src/auth.ts", &text.replace(from, to));
        world.git(&world.path("shallow"), &["commit", "--quiet", "-a", "-m", "change"]);
        assert_eq!(blocked(&push(&place, &["origin", "main"])), want);
    }
}

#[test]
fn a_repository_of_long_hashes() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "--object-format=sha256", "-b", "main", "app"]);
    world.git(
        &world.path(""),
        &["init", "--quiet", "--object-format=sha256", "--bare", "-b", "main", "remote.git"],
    );
    let clone = Clone::without_remote(&world);
    clone.git(&["remote", "add", "origin", "../remote.git"]);
    clone.commit(&[("src/auth.ts", AUTH)]);
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.edit_logout();
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts::handleLogin"]);
    assert_eq!(clone.push(&["origin", "main:new"]), ["src/auth.ts::handleLogin"]);
}
