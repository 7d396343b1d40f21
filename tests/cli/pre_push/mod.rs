//! `coord pre-push`, as git runs it: real pushes to a bare repository on the disk, through a real hook.

mod failures;
mod files;
mod history;
mod holders;
mod symbols;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{COORD, Place, Ran, World};

/// Two functions with an import above them.
const AUTH: &str = "import { a } from 'a';\n\nexport function handleLogin() {\n  return 'in';\n}\n\n\
                    export function handleLogout() {\n  return 'out';\n}\n";

/// The clone `app`, whose `origin` is `remote.git` beside it; a colleague works in another worktree of it.
struct Clone<'a>(&'a World);

impl<'a> Clone<'a> {
    /// Gives a world's clone a remote that has its `main`, with [`AUTH`] as `src/auth.ts`, and the hook.
    fn new(world: &'a World) -> Clone<'a> {
        let clone = Clone::without_remote(world);
        clone.remote("origin", "remote.git");
        clone.commit(&[("src/auth.ts", AUTH)]);
        clone.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
        world.bob();
        clone
    }

    fn without_remote(world: &'a World) -> Clone<'a> {
        let hook = world.path("app/.git/hooks/pre-push");
        world.write("app/.git/hooks/pre-push", &format!("#!/bin/sh\nexec '{COORD}' pre-push \"$@\"\n"));
        fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
        Clone(world)
    }

    /// Adds a bare repository as a remote.
    fn remote(&self, name: &str, directory: &str) {
        self.0.git(&self.0.path(""), &["init", "--quiet", "--bare", "-b", "main", directory]);
        self.git(&["remote", "add", name, &format!("../{directory}")]);
    }

    /// Runs git here, which must succeed.
    fn git(&self, arguments: &[&str]) {
        self.0.git(&self.0.path("app"), arguments);
    }

    /// What git says here.
    fn says(&self, arguments: &[&str]) -> String {
        self.0.alice().run("git", arguments).ok().stdout.trim().to_owned()
    }

    /// Writes files and commits them, with all else that is changed.
    fn commit(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            self.0.write(&format!("app/{path}"), content);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"]);
    }

    /// Commits a file with some text put in place of other.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.path(&format!("app/{path}"))).unwrap();
        assert!(text.contains(from), "{text}");
        self.commit(&[(path, &text.replace(from, to))]);
    }

    /// Commits a change of `handleLogin`.
    fn edit_login(&self) {
        self.edit("src/auth.ts", "return 'in", "return 'in!");
    }

    /// Commits a change of `handleLogout`.
    fn edit_logout(&self) {
        self.edit("src/auth.ts", "return 'out", "return 'out!");
    }

    /// Lets the colleague hold scopes.
    fn held(&self, scopes: &[&str]) {
        self.0.bob().coord(&[&["claim"], scopes].concat()).ok();
    }

    /// Pushes, and returns what is in the way. A push that passes says nothing.
    #[track_caller]
    fn push(&self, arguments: &[&str]) -> Vec<String> {
        blocked(&push(&self.0.alice(), arguments))
    }
}

/// Pushes from a place, without what git says of its own success.
#[track_caller]
fn push(place: &Place<'_>, arguments: &[&str]) -> Ran {
    place.run("git", &[&["push", "--quiet"], arguments].concat())
}

/// What a push was blocked for; nothing if it passed.
#[track_caller]
fn blocked(ran: &Ran) -> Vec<String> {
    let conflicts = ran.stderr.lines().filter_map(|line| line.strip_prefix("conflict: "));
    let scopes: Vec<String> = conflicts.map(|line| line.split(" meets ").next().unwrap().into()).collect();
    if scopes.is_empty() {
        assert_eq!(ran.to_string(), "--- status 0");
    } else {
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stderr.contains("hint: to push all the same: `git push --no-verify`"), "{ran}");
    }
    scopes
}

/// Nothing in the way.
const PASSED: [&str; 0] = [];
