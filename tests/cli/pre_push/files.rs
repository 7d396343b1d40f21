//! Files that are not plain text under a plain name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use super::{AUTH, Clone, PASSED, push};
use crate::harness::{World, both};

/// Names that something on the way could stumble over.
const NAMES: &[&str] = &[
    "two words.ts",
    "[id].ts",
    "quote\"'$(x).ts",
    "line\nbreak.ts",
    "tab\t.ts",
    "back\\slash.ts",
    "naïve-文件.ts",
    "-dash.ts",
    ":colon.ts",
    "!not.ts",
    "star*.ts",
    " blank.ts",
    "esc\u{1b}[31m.ts",
];

#[test]
fn names() {
    both(|world| {
        let clone = Clone::new(world);
        clone.commit(&NAMES.iter().map(|name| (*name, AUTH)).collect::<Vec<_>>());
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        clone.held(&["*.ts", "--symbol", "handleLogin"]);
        let all = |from: &str, to: &str| {
            let text = AUTH.replace(from, to);
            clone.commit(&NAMES.iter().map(|name| (*name, text.as_str())).collect::<Vec<_>>());
        };
        all("'out'", "'OUT'");
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        all("'in'", "'IN'");
        assert_snapshot!(push(&world.alice(), &["origin", "main"]), @r#"
        --- stderr
        coord: this push changes what others hold
        conflict:  blank.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: !not.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: -dash.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: :colon.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: [id].ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: back\slash.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: esc�[31m.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: line break.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: naïve-文件.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: quote"'$(x).ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: star*.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: tab .ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        conflict: two words.ts::handleLogin meets *.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        hint: to push all the same: `git push --no-verify`
        error: failed to push some refs to '../remote.git'
        --- status 1
        "#);
    });
}

#[test]
fn one_odd_name_held_by_itself() {
    both(|world| {
        let clone = Clone::new(world);
        clone.commit(&[("[id].ts", AUTH), ("i.ts", AUTH), ("two words.ts", AUTH)]);
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        world.git(&world.path("bob"), &["reset", "--quiet", "--hard", "main"]);
        clone.held(&["[id].ts::handleLogin", "two words.ts"]);
        clone.edit("i.ts", "'in'", "'IN'");
        clone.edit("[id].ts", "'out'", "'OUT'");
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        clone.edit("[id].ts", "'in'", "'IN'");
        clone.edit("two words.ts", "'in'", "'IN'");
        assert_eq!(clone.push(&["origin", "main"]), ["[id].ts::handleLogin", "two words.ts"]);
    });
}

#[test]
fn names_that_are_not_utf_8() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    fs::create_dir(world.path("app/latin")).unwrap();
    fs::write(world.path("app/latin").join(OsStr::from_bytes(b"caf\xe9.ts")), AUTH).unwrap();
    clone.held(&["docs"]);
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.held(&["latin"]);
    fs::write(world.path("app/latin").join(OsStr::from_bytes(b"caf\xe9.ts")), "x").unwrap();
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), ["latin/caf\u{fffd}.ts"]);
    // A branch may be named so too.
    clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    clone.edit_logout();
    let mut command = world.alice().command("git", &["push", "--quiet", "origin"]);
    command.arg(OsStr::from_bytes(b"HEAD:refs/heads/caf\xe9"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn modes_links_binaries_and_submodules_are_whole_files() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.commit(&[("a/mode.ts", AUTH), ("a/link.ts", AUTH), ("a/data.ts", "\0\u{1}"), ("a/empty.ts", "")]);
    let head = clone.says(&["rev-parse", "HEAD"]);
    let library = |commit: &str| {
        clone.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},a/library")]);
        clone.git(&["commit", "--quiet", "-m", "library"]);
    };
    library(&head);
    clone.git(&["push", "--quiet", "origin", "main"]);
    for name in ["mode", "link", "data", "empty", "other"] {
        clone.held(&[&format!("a/{name}.ts"), "--symbol", "handleLogin"]);
    }
    clone.held(&["a/library"]);
    let changes: [(&str, &dyn Fn()); 5] = [
        ("a/mode.ts", &|| {
            fs::set_permissions(world.path("app/a/mode.ts"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("a/link.ts", &|| {
            fs::remove_file(world.path("app/a/link.ts")).unwrap();
            symlink("mode.ts", world.path("app/a/link.ts")).unwrap();
        }),
        ("a/data.ts", &|| world.write("app/a/data.ts", "\0\u{2}")),
        ("a/empty.ts", &|| fs::remove_file(world.path("app/a/empty.ts")).unwrap()),
        ("a/other.ts", &|| world.write("app/a/other.ts", "")),
    ];
    for (path, change) in changes {
        change();
        clone.git(&["add", "--all", path]);
        clone.git(&["commit", "--quiet", "-m", "change"]);
        assert_eq!(clone.push(&["origin", "main"]), [path]);
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    }
    library(&clone.says(&["rev-parse", "HEAD"]));
    assert_eq!(clone.push(&["origin", "main"]), ["a/library"]);
}

#[test]
fn a_link_that_points_elsewhere() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    symlink("api.ts", world.path("app/src/link")).unwrap();
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.held(&["src/link"]);
    fs::remove_file(world.path("app/src/link")).unwrap();
    symlink("auth.ts", world.path("app/src/link")).unwrap();
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), ["src/link"]);
    // What it points at is another file.
    clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    clone.edit("src/api.ts", "one", "two");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
}

#[test]
fn both_names_of_a_renamed_file_and_that_of_a_deleted_one() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["docs", "lib", "src/auth.ts::handleLogin"]);
    clone.git(&["mv", "src/api.ts", "src/web.ts"]);
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    fs::create_dir(world.path("app/lib")).unwrap();
    clone.git(&["mv", "docs/guide.md", "lib/guide.md"]);
    clone.git(&["rm", "--quiet", "src/auth.ts"]);
    clone.commit(&[]);
    assert_eq!(clone.push(&["origin", "main"]), ["docs/guide.md", "lib/guide.md", "src/auth.ts"]);
}
