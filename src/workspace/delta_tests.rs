use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::workspace::Touched;
use crate::workspace::testing::{Sandbox, discover};

/// Two functions with an import above them, each with lines of its own.
const AUTH: &str = "import { a } from 'a';\n\nexport function login() {\n  return 'login';\n}\n\n\
                    export function logout() {\n  return 'logout';\n}\n\n// the end\n";

/// A clone whose remote has its first commit on `main`.
struct Local {
    sandbox: Sandbox,
    root: std::path::PathBuf,
}

impl Local {
    fn new() -> Local {
        let sandbox = Sandbox::new();
        let root = sandbox.init("app");
        let local = Local { sandbox, root };
        let first = local.commit(&[("auth.ts", AUTH), ("other.txt", "one\n")]);
        local.remote_has("origin/main", &first);
        local
    }

    fn worktree(&self) -> Worktree {
        discover(&self.root)
    }

    fn git(&self, arguments: &[&str]) {
        self.sandbox.git(&self.root, arguments);
    }

    fn says(&self, arguments: &[&str]) -> String {
        let output = self.sandbox.command(&self.root).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn id(&self, name: &str) -> String {
        self.says(&["rev-parse", name])
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.sandbox.write(&format!("app/{path}"), content);
    }

    /// Writes files and commits them, with all else that is changed.
    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "change"]);
        self.id("HEAD")
    }

    /// Commits the file of [`AUTH`] with some text put in place of other.
    fn edit(&self, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.root.join("auth.ts")).unwrap();
        assert!(text.contains(from), "{text}");
        self.commit(&[("auth.ts", &text.replace(from, to))])
    }

    fn remote_has(&self, name: &str, commit: &str) {
        self.git(&["update-ref", &format!("refs/remotes/{name}"), commit]);
    }

    /// What a push of objects to refs that the remote does not have yet comes to.
    fn push(&self, ids: &[&str]) -> String {
        let new = |id: &&str| RefUpdate { local: Some((*id).into()), remote: None };
        self.told(&self.pushed(&ids.iter().map(new).collect::<Vec<_>>()))
    }

    fn pushed(&self, updates: &[RefUpdate]) -> Delta {
        Delta::of_push(&self.worktree(), updates).unwrap()
    }

    /// Every changed file, and what of it is touched.
    fn told(&self, delta: &Delta) -> String {
        let mut touched = delta.touched(&delta.paths()).unwrap();
        let files = delta.paths().into_iter().map(|path| match touched.remove(&path) {
            Some(Touched::Lines { symbols, outside: false }) => {
                format!("{path}: {}", symbols.into_iter().collect::<Vec<_>>().join(", "))
            }
            Some(Touched::Lines { outside: true, .. }) => format!("{path} whole"),
            other => format!("{path} {other:?}"),
        });
        files
            .collect::<Vec<_>>()
            .join("; ")
            .replace("Some(File)", "whole")
            .replace("Some(Nothing)", "nothing")
    }
}

#[test]
fn lines_of_git() {
    let (a, b, zero) = ("a".repeat(40), "b".repeat(64), "0".repeat(40));
    let text = format!(
        "refs/heads/x {a} refs/heads/x {zero}\n(delete) {zero} refs/heads/y {a}\n\nHEAD@{{1 day ago}} {b} refs/heads/\u{fffd} {b}\n"
    );
    let update = |local: Option<&String>, remote: Option<&String>| RefUpdate {
        local: local.cloned(),
        remote: remote.cloned(),
    };
    assert_eq!(
        RefUpdate::parse_all(&text).unwrap(),
        [update(Some(&a), None), update(None, Some(&a)), update(Some(&b), Some(&b))]
    );
    assert_eq!(RefUpdate::parse_all("\n").unwrap(), []);
    for odd in ["x", "refs/heads/x abc refs/heads/x 0000", &format!("{a} refs/heads/x {a}"), "a b c d e f"] {
        let error = RefUpdate::parse_all(odd).unwrap_err();
        assert!(matches!(&error, WorkspaceError::RefLine { line } if line == odd), "{error:?}");
    }
}

#[test]
fn only_what_no_remote_has() {
    let local = Local::new();
    assert_eq!(local.push(&[&local.id("HEAD")]), "");
    let one = local.edit("'login'", "'login!'");
    assert_eq!(local.push(&[&one]), "auth.ts: login");
    let two = local.edit("'logout'", "'logout!'");
    assert_eq!(local.push(&[&two]), "auth.ts: login, logout");
    local.remote_has("elsewhere/topic", &one);
    assert_eq!(local.push(&[&two]), "auth.ts: logout");
    assert_eq!(local.push(&[&one]), "");
    // The remote's side of a ref says as much as a remote-tracking branch.
    local.git(&["update-ref", "-d", "refs/remotes/elsewhere/topic"]);
    let update = RefUpdate { local: Some(two.clone()), remote: Some(one) };
    assert_eq!(local.told(&local.pushed(&[update])), "auth.ts: logout");
    // What it has there may never have been fetched.
    let update = RefUpdate { local: Some(two), remote: Some("1".repeat(40)) };
    assert_eq!(local.told(&local.pushed(&[update])), "auth.ts: login, logout");
}

#[test]
fn changed_and_changed_back_is_nothing() {
    let local = Local::new();
    local.edit("'login'", "'login!'");
    local.commit(&[("new.txt", "")]);
    fs::remove_file(local.root.join("new.txt")).unwrap();
    let back = local.edit("'login!'", "'login'");
    assert_eq!(local.push(&[&back]), "");
}

#[test]
fn amended_and_rebased() {
    let local = Local::new();
    let old = local.edit("'login'", "'login!'");
    local.remote_has("origin/topic", &old);
    local.git(&["reset", "--quiet", "--hard", "origin/main"]);
    let upstream = local.commit(&[("other.txt", "two\n")]);
    local.remote_has("origin/main", &upstream);
    let new = local.edit("'logout'", "'logout!'");
    let update = RefUpdate { local: Some(new), remote: Some(old) };
    assert_eq!(local.told(&local.pushed(&[update])), "auth.ts: logout");
}

#[test]
fn several_tips_count_once_and_together() {
    let local = Local::new();
    let one = local.edit("'login'", "'login!'");
    let two = local.commit(&[("other.txt", "two\n")]);
    local.git(&["checkout", "--quiet", "--detach", "origin/main"]);
    let three = local.edit("'logout'", "'logout!'");
    let all = "auth.ts: login, logout; other.txt whole";
    assert_eq!(local.push(&[&one, &two, &three, &two]), all);
    let delta = local.pushed(
        &[&one, &two, &three, &local.id("origin/main")]
            .map(|id| RefUpdate { local: Some(id.clone()), remote: None }),
    );
    assert_eq!(delta.comparisons.len(), 2);
    // Nothing is left of what a later pushed commit takes back.
    local.git(&["checkout", "--quiet", "--detach", &two]);
    let back = local.edit("'login!'", "'login'");
    assert_eq!(local.push(&[&one, &back]), "other.txt whole");
}

#[test]
fn tags() {
    let local = Local::new();
    let edited = local.edit("'login'", "'login!'");
    local.git(&["tag", "light"]);
    local.git(&["tag", "-m", "one", "noted"]);
    local.git(&["tag", "-m", "two", "twice", "noted"]);
    local.git(&["tag", "-m", "old", "old", "origin/main"]);
    local.git(&["tag", "-m", "tree", "tree", "HEAD^{tree}"]);
    local.git(&["tag", "-m", "blob", "blob", "HEAD:auth.ts"]);
    for name in ["light", "noted", "twice"] {
        assert_eq!(local.push(&[&local.id(name)]), "auth.ts: login", "{name}");
    }
    for name in ["old", "tree", "blob", "HEAD^{tree}"] {
        assert_eq!(local.push(&[&local.id(name)]), "", "{name}");
    }
    assert_eq!(local.push(&[&local.id("tree"), &edited]), "auth.ts: login");
}

#[test]
fn what_is_not_here_cannot_be_told() {
    let local = Local::new();
    let gone = "1".repeat(40);
    let updates = [&local.id("HEAD"), &gone].map(|id| RefUpdate { local: Some(id.clone()), remote: None });
    let error = Delta::of_push(&local.worktree(), &updates).unwrap_err();
    assert!(matches!(&error, WorkspaceError::NoObject { id } if *id == gone), "{error:?}");
}

#[test]
fn without_a_remote_everything_is_new() {
    let local = Local::new();
    local.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts whole; other.txt whole");
    local.git(&["checkout", "--quiet", "--orphan", "apart"]);
    local.git(&["rm", "-r", "--quiet", "--force", "."]);
    let apart = local.commit(&[("a.py", "def f():\n    pass\n")]);
    assert_eq!(local.push(&[&apart]), "a.py: f");
    local.remote_has("origin/apart", &apart);
    local.git(&["merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "main"]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts whole; other.txt whole");
}

/// Commits a change on a branch off the remote's `main`, and lets the remote have it or not.
fn branch(local: &Local, name: &str, shared: bool, change: impl FnOnce()) {
    local.git(&["checkout", "--quiet", "-b", name, "origin/main"]);
    change();
    if shared {
        local.remote_has(&format!("origin/{name}"), &local.id("HEAD"));
    }
}

#[test]
fn what_a_merge_brings_in_is_not_pushed() {
    let local = Local::new();
    branch(&local, "upstream", true, || {
        local.edit("'login'", "'login!'");
        local.commit(&[("other.txt", "two\n")]);
    });
    branch(&local, "topic", false, || drop(local.edit("'logout'", "'logout!'")));
    local.git(&["merge", "--quiet", "--no-edit", "upstream"]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts: logout");
}

#[test]
fn a_merge_of_what_the_remote_has_is_nothing_new() {
    let local = Local::new();
    branch(&local, "imports", true, || drop(local.edit("import { a }", "import { a, b }")));
    branch(&local, "tail", true, || drop(local.edit("// the end", "// The end")));
    branch(&local, "login", true, || drop(local.edit("'login'", "'login!'")));
    branch(&local, "topic", true, || drop(local.edit("'logout'", "'logout!'")));
    let known = local.id("HEAD");
    // One merge has two bases, the other, an octopus, has four.
    local.git(&["merge", "--quiet", "--no-edit", "login"]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts nothing");
    local.git(&["reset", "--quiet", "--hard", &known]);
    local.git(&["merge", "--quiet", "--no-edit", "imports", "tail", "login"]);
    assert_eq!(local.id("HEAD^4"), local.id("login"));
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts nothing");
    // A commit on top is told from it.
    local.edit("'login!'", "'LOGIN'");
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts: login");
    local.edit("import { a, b }", "import { b }");
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts whole");
}

#[test]
fn what_is_resolved_by_hand_counts() {
    let local = Local::new();
    branch(&local, "theirs", true, || {
        local.edit("'login'", "'theirs'");
        local.edit("// the end", "// theirs");
    });
    branch(&local, "ours", true, || drop(local.edit("'login'", "'ours'")));
    let merge = || {
        let merge =
            local.sandbox.command(&local.root).args(["merge", "--no-commit", "theirs"]).output().unwrap();
        assert!(!merge.status.success());
    };
    let resolved = |login: &str| {
        let text = AUTH.replace("'login'", login).replace("// the end", "// theirs");
        local.commit(&[("auth.ts", &text)]);
        let told = local.push(&[&local.id("HEAD")]);
        local.git(&["reset", "--quiet", "--hard", "origin/ours"]);
        told
    };
    merge();
    assert_eq!(resolved("'both'"), "auth.ts: login");
    merge();
    assert_eq!(resolved("'theirs'"), "");
    merge();
    assert_eq!(resolved("'ours'"), "auth.ts nothing");
    // A line that both have, and the merge has not.
    merge();
    let text = AUTH.replace("  return 'logout';\n", "").replace("'login'", "'ours'");
    local.commit(&[("auth.ts", &text.replace("// the end", "// theirs"))]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts: logout");
}

#[test]
fn both_sides_of_the_difference() {
    let cases: &[(&str, &str, &str)] = &[
        ("  return 'login';\n", "", "login"),
        ("export function logout() {\n  return 'logout';\n}\n", "", "logout"),
        ("function login(", "function signin(", "login, signin"),
        ("\n// the end", "\nexport function more() {}\n\n// the end", "more"),
        ("  return 'login';\n", "\n  return 'login';\n  \t\n", ""),
        ("\n// the end", "\n\n\n// the end", ""),
        ("// the end", "// The end", "whole"),
        ("import { a }", "import { b }", "whole"),
        ("import { a } from 'a';\n", "", "whole"),
        ("// the end\n", "// the end", "whole"),
    ];
    for (from, to, want) in cases {
        let local = Local::new();
        let told = local.push(&[&local.edit(from, to)]);
        let want = if *want == "whole" { "auth.ts whole".into() } else { format!("auth.ts: {want}") };
        assert_eq!(told, want, "{from:?} to {to:?}");
    }
}

#[test]
fn python_and_go() {
    let local = Local::new();
    let python = "import os\n\n@cache\ndef login():\n    return 1\n\nclass A:\n    def logout(self):\n        return 2\n";
    let go = "package a\n\nvar a, b = 1, 2\n\nfunc (s *Server) login() {\n\tone()\n}\n\nfunc logout() {\n\ttwo()\n}\n";
    let first = local.commit(&[("a.py", python), ("a.go", go)]);
    local.remote_has("origin/main", &first);
    let change = |files: &[(&str, &str)]| {
        local.git(&["reset", "--quiet", "--hard", &first]);
        local.push(&[&local.commit(files)])
    };
    assert_eq!(change(&[("a.py", &python.replace("return 2", "return 3"))]), "a.py: A::logout");
    assert_eq!(change(&[("a.py", &python.replace("@cache", "@cached"))]), "a.py: login");
    assert_eq!(change(&[("a.go", &go.replace("one()", "more()"))]), "a.go: Server::login");
    // Nobody can tell which of the two it is.
    assert_eq!(change(&[("a.go", &go.replace("1, 2", "1, 3"))]), "a.go: a, b");
}

#[test]
fn what_has_no_lines() {
    let local = Local::new();
    let first = local.commit(&[("mode.ts", "function f() {}\n"), ("data.ts", "\0\u{1}"), ("link.ts", AUTH)]);
    local.remote_has("origin/main", &first);
    fs::set_permissions(local.root.join("mode.ts"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(local.root.join("link.ts")).unwrap();
    symlink("auth.ts", local.root.join("link.ts")).unwrap();
    local.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},library")]);
    local.write("data.ts", "\0\u{2}");
    local.write("empty.ts", "");
    local.write("auth.ts", AUTH.replace("'login'", "'login!'"));
    local.git(&["add", "mode.ts", "link.ts", "data.ts", "empty.ts", "auth.ts"]);
    local.git(&["commit", "--quiet", "-m", "odd"]);
    assert_eq!(
        local.push(&[&local.id("HEAD")]),
        "auth.ts: login; data.ts whole; empty.ts whole; library whole; link.ts whole; mode.ts whole"
    );
}

#[test]
fn both_names_of_what_is_renamed() {
    let local = Local::new();
    local.git(&["mv", "auth.ts", "session.ts"]);
    assert_eq!(local.push(&[&local.commit(&[])]), "auth.ts whole; session.ts whole");
    // The same text in another language.
    let first = local.commit(&[("a.ts", "function f() {}\nlet x = <T>y;\nfunction g() {}\n")]);
    local.remote_has("origin/main", &first);
    local.git(&["mv", "a.ts", "a.txt"]);
    local.write("a.py", "function f() {}\n");
    local.write("b.ts", "function f() {}\n");
    assert_eq!(local.push(&[&local.commit(&[])]), "a.py whole; a.ts whole; a.txt whole; b.ts: f");
}

#[test]
fn a_file_that_becomes_a_directory() {
    let local = Local::new();
    let first = local.commit(&[("a.ts", "function f() {}\n")]);
    local.remote_has("origin/main", &first);
    fs::remove_file(local.root.join("a.ts")).unwrap();
    local.commit(&[("a.ts/b.ts", "function g() {}\n"), ("auth.ts", &AUTH.replace("'login'", "'login!'"))]);
    let delta = local.pushed(&[RefUpdate { local: Some(local.id("HEAD")), remote: None }]);
    assert_eq!(local.told(&delta), "a.ts whole; a.ts/b.ts: g; auth.ts: login");
    let touched = delta.touched(&["a.ts".into(), "auth.ts".into()]).unwrap();
    assert_eq!(touched["auth.ts"], Touched::Lines { symbols: ["login".to_owned()].into(), outside: false });
}

#[test]
fn names() {
    let local = Local::new();
    let names = [
        "two words.ts",
        "[id].ts",
        "*.ts",
        "quote\"'$(x).ts",
        "line\nbreak.ts",
        "tab\t.ts",
        "back\\slash.ts",
        "naïve-文件.ts",
        "-dash.ts",
        ":colon.ts",
        ":(top)x.ts",
        "!not.ts",
        "#hash.ts",
        " blank.ts",
        "@@ -1 +1 @@.ts",
        "diff --git a b.ts",
    ];
    let text = "function f() {}\nfunction g() {}\n";
    let first = local.commit(&names.iter().map(|name| (*name, text)).collect::<Vec<_>>());
    local.remote_has("origin/main", &first);
    let changed = text.replace("g() {}", "g() { return 1; }");
    let head = local.commit(&names.iter().map(|name| (*name, changed.as_str())).collect::<Vec<_>>());
    let delta = local.pushed(&[RefUpdate { local: Some(head), remote: None }]);
    let touched = delta.touched(&delta.paths()).unwrap();
    assert_eq!(touched.len(), names.len());
    for name in names {
        assert_eq!(
            touched[name],
            Touched::Lines { symbols: ["g".to_owned()].into(), outside: false },
            "{name:?}"
        );
    }
    let head = local.id("HEAD");
    local.remote_has("origin/main", &head);
    fs::write(local.root.join(OsStr::from_bytes(b"caf\xe9.ts")), text).unwrap();
    local.write("latin.ts", b"function f() { return '\xe9'; }\n");
    assert_eq!(local.push(&[&local.commit(&[])]), "caf\u{fffd}.ts whole; latin.ts: f");
}

#[test]
fn text_that_looks_like_a_patch() {
    let local = Local::new();
    let text = "function f() {\n-- a\n++ b\n@@ -1 +1 @@\ndiff --git a b\n}\nfunction g() {}\n";
    let first = local.commit(&[("a.ts", text)]);
    local.remote_has("origin/main", &first);
    let text = text.replace("++ b\n", "").replace("-- a", "-- c\n+@@ -9 +9 @@\ndiff --git x y");
    assert_eq!(local.push(&[&local.commit(&[("a.ts", &text)])]), "a.ts: f");
}

#[test]
fn settings_of_git_change_nothing() {
    let local = Local::new();
    let settings = [
        "diff.noprefix=true",
        "diff.renames=copies",
        "diff.external=false",
        "color.ui=always",
        "diff.context=9",
        "diff.algorithm=patience",
        "core.quotePath=false",
        "diff.relative=true",
        "diff.ignoreSubmodules=all",
        "log.showSignature=true",
        "diff.submodule=log",
    ];
    for setting in settings {
        let (name, value) = setting.split_once('=').unwrap();
        local.git(&["config", name, value]);
    }
    local.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},library", local.id("HEAD"))]);
    local.git(&["commit", "--quiet", "-m", "library"]);
    local.write("auth.ts", AUTH.replace("'login'", "'login!'"));
    local.write("naïve.ts", "function f() {}\n");
    local.git(&["add", "auth.ts", "naïve.ts"]);
    local.git(&["commit", "--quiet", "-m", "change"]);
    assert_eq!(local.push(&[&local.id("HEAD")]), "auth.ts: login; library whole; naïve.ts: f");
}

#[test]
fn many_files_at_once() {
    let local = Local::new();
    let names: Vec<String> = (0..PATHS_AT_ONCE + 20).map(|number| format!("many/{number}.ts")).collect();
    let write =
        |text: &str| local.commit(&names.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>());
    local.remote_has("origin/main", &write("function f() {}\nfunction g() {}\n"));
    let head = write("function f() {}\nfunction g() { }\n");
    let delta = local.pushed(&[RefUpdate { local: Some(head), remote: None }]);
    let touched = delta.touched(&delta.paths()).unwrap();
    assert_eq!(touched.len(), names.len());
    assert!(
        touched
            .values()
            .all(|what| *what == Touched::Lines { symbols: ["g".to_owned()].into(), outside: false })
    );
}

#[test]
fn staged() {
    let local = Local::new();
    local.write("auth.ts", AUTH.replace("'login'", "'login!'"));
    local.write("two words.ts", "function f() {}\n");
    local.write("later.ts", "");
    local.git(&["add", "auth.ts", "two words.ts"]);
    // What is not staged yet does not count.
    local.write("auth.ts", AUTH.replace("import", "Import"));
    assert_eq!(local.told(&Delta::staged(&local.worktree()).unwrap()), "auth.ts: login; two words.ts: f");
    local.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(local.told(&Delta::staged(&local.worktree()).unwrap()), "");
    local.git(&["checkout", "--quiet", "--orphan", "unborn"]);
    assert_eq!(local.told(&Delta::staged(&local.worktree()).unwrap()), "auth.ts whole; other.txt whole");
}

#[test]
fn staged_in_the_middle_of_a_merge() {
    let local = Local::new();
    branch(&local, "theirs", true, || {
        local.edit("'login'", "'theirs'");
        local.commit(&[("other.txt", "theirs\n"), ("clash.ts", "function theirs() {}\n")]);
    });
    branch(&local, "ours", false, || {
        local.edit("'logout'", "'ours'");
        local.commit(&[("clash.ts", "function ours() {}\n")]);
    });
    let merge = local.sandbox.command(&local.root).args(["merge", "theirs"]).output().unwrap();
    assert!(!merge.status.success());
    assert_eq!(local.told(&Delta::staged(&local.worktree()).unwrap()), "auth.ts nothing; clash.ts whole");
    local.write("more.ts", "function f() {}\n");
    local.write("clash.ts", "function ours() {}\nfunction both() {}\nfunction theirs() {}\n");
    local.git(&["add", "."]);
    assert_eq!(
        local.told(&Delta::staged(&local.worktree()).unwrap()),
        "auth.ts nothing; clash.ts: both; more.ts: f"
    );
}

#[test]
fn ranges() {
    let local = Local::new();
    branch(&local, "topic", false, || drop(local.edit("'login'", "'login!'")));
    local.git(&["checkout", "--quiet", "main"]);
    local.edit("'logout'", "'logout!'");
    let between =
        |base: &str, head: &str| local.told(&Delta::between(&local.worktree(), base, head).unwrap());
    assert_eq!(between("main", "topic"), "auth.ts: login");
    assert_eq!(between("topic", "HEAD"), "auth.ts: logout");
    assert_eq!(between("HEAD", "HEAD"), "");
    assert_eq!(between("HEAD~1", "main"), "auth.ts: logout");
    for name in ["nowhere", "--all", "HEAD:auth.ts", ""] {
        let error = Delta::between(&local.worktree(), name, "HEAD").unwrap_err();
        assert!(matches!(&error, WorkspaceError::NoCommit { name: said } if said == name), "{error:?}");
    }
}

#[test]
fn other_hashes() {
    let sandbox = Sandbox::new();
    let root = sandbox.mkdir("app");
    sandbox.git(&root, &["init", "--quiet", "--object-format=sha256"]);
    let local = Local { sandbox, root };
    let first = local.commit(&[("auth.ts", AUTH)]);
    assert_eq!((first.len(), local.push(&[&first])), (64, "auth.ts whole".into()));
    local.remote_has("origin/main", &first);
    assert_eq!(local.push(&[&local.edit("'login'", "'login!'")]), "auth.ts: login");
}
