use std::os::unix::fs::symlink;

use super::*;
use crate::workspace::testing::{Sandbox, discover};

/// A clone `app` with files and directories of many kinds.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    for file in [
        "README.md",
        "src/main.ts",
        "src/sub/deep.ts",
        "src/a::b.ts",
        "src/back\\slash.ts",
        "src/x::y/z.ts",
        "app/[id]/page.tsx",
        "app/[id]/[slug].ts",
        "odd/*?/f",
        "two words/é.ts",
        "socket.io/index.js",
    ] {
        sandbox.write(&format!("app/{file}"), "");
    }
    symlink("main.ts", root.join("src/link.ts")).unwrap();
    symlink("nowhere", root.join("src/broken.ts")).unwrap();
    symlink("sub", root.join("src/linked")).unwrap();
    symlink("../..", root.join("src/out")).unwrap();
    symlink(&root, sandbox.path("alias")).unwrap();
    symlink(root.join("src"), sandbox.path("source")).unwrap();
    sandbox
}

fn resolve_in(sandbox: &Sandbox, directory: &str, argument: &str) -> Result<Target, WorkspaceError> {
    let cwd = sandbox.path("app").join(directory);
    resolve(&discover(&cwd), &cwd, argument)
}

/// The pattern, with `=` before a literal.
fn text(sandbox: &Sandbox, directory: &str, argument: &str) -> String {
    let target = resolve_in(sandbox, directory, argument)
        .unwrap_or_else(|error| panic!("{argument} in {directory}: {error}"));
    assert!(target.symbols.is_empty(), "{target:?}");
    if target.literal { format!("={}", target.text) } else { target.text }
}

#[track_caller]
fn check(table: &[(&str, &str, &str)]) {
    let sandbox = sandbox();
    for (directory, argument, expected) in table {
        assert_eq!(text(&sandbox, directory, argument), *expected, "{argument:?} in {directory:?}");
    }
}

#[test]
fn what_exists_is_meant_by_its_name() {
    check(&[
        ("", "README.md", "=README.md"),
        ("", "./README.md", "=README.md"),
        ("", "src/main.ts", "=src/main.ts"),
        ("", "src//./sub/../main.ts", "=src/main.ts"),
        ("src", "main.ts", "=src/main.ts"),
        ("src/sub", "../main.ts", "=src/main.ts"),
        ("src/sub", "../../README.md", "=README.md"),
        ("", "app/[id]/page.tsx", "=app/[id]/page.tsx"),
        ("app/[id]", "[slug].ts", "=app/[id]/[slug].ts"),
        ("", "two words/é.ts", "=two words/é.ts"),
        ("src", "back\\slash.ts", "=src/back\\slash.ts"),
        ("", "src\\main.ts", "=src/main.ts"),
        ("", "src", "src/"),
        ("", "src/", "src/"),
        ("", "socket.io", "socket.io/"),
        ("src", "sub", "src/sub/"),
        ("src/sub", ".", "src/sub/"),
        ("src/sub", "..", "src/"),
        ("", "app/[id]", "app/[[]id]/"),
        ("", "odd/*?", "odd/[*][?]/"),
        ("", "two words", "two words/"),
        ("", "src\\sub", "src/sub/"),
    ]);
}

#[test]
fn root_is_everything() {
    check(&[
        ("", ".", "**"),
        ("", "./", "**"),
        ("src", "..", "**"),
        ("src/sub", "../..", "**"),
        ("src", "/", "**"),
    ]);
}

#[test]
fn patterns_start_at_the_current_directory() {
    check(&[
        ("", "*.ts", "*.ts"),
        ("", "./*.ts", "/*.ts"),
        ("", "src/*.ts", "src/*.ts"),
        ("", "**", "**"),
        ("", "new.ts", "new.ts"),
        ("", "new/", "new/"),
        ("", "n*w/", "n*w/"),
        ("src", "*.ts", "src/**/*.ts"),
        ("src", "**", "src/**"),
        ("src", "*", "src/**/*"),
        ("src", "./*", "src/*"),
        ("src", "./*.ts", "src/*.ts"),
        ("src", "**/*.ts", "src/**/*.ts"),
        ("src", "*.d/", "src/*.d/"),
        ("src", "new.ts", "src/new.ts"),
        ("src", "new/deep.ts", "src/new/deep.ts"),
        ("src", "sub\\*.ts", "src/sub/*.ts"),
        ("src", "main.ts/", "src/main.ts/"),
        ("src/sub", "../*.ts", "src/*.ts"),
        ("src", "../*.ts", "/*.ts"),
        ("src", "../new.ts", "new.ts"),
        ("app/[id]", "*.tsx", "app/[[]id]/**/*.tsx"),
        ("", "app/[id]/*.tsx", "app/[[]id]/*.tsx"),
        ("", "app/[ab]/*.tsx", "app/[ab]/*.tsx"),
        ("odd/*?", "./g*", "odd/[*][?]/g*"),
        ("app/[id]", "../x.ts", "app/x.ts"),
        ("src", "!*.ts", "!*.ts"),
    ]);
}

#[test]
fn leading_slash_is_the_repository_root() {
    check(&[
        ("src", "/README.md", "=README.md"),
        ("src", "/src/main.ts", "=src/main.ts"),
        ("src", "/src", "src/"),
        ("src", "/*.ts", "/*.ts"),
        ("src", "/**/*.ts", "**/*.ts"),
        ("src", "/new.ts", "new.ts"),
        ("src", "/src/*.ts", "src/*.ts"),
        ("src", "/no/such/place.ts", "no/such/place.ts"),
    ]);
}

#[test]
fn absolute_paths_into_the_work_tree() {
    let sandbox = sandbox();
    for (argument, expected) in [
        ("app", "**"),
        ("app/", "**"),
        ("app/src", "src/"),
        ("app/src/main.ts", "=src/main.ts"),
        ("app/src/link.ts", "=src/link.ts"),
        ("app/../app/src/sub/../main.ts", "=src/main.ts"),
        ("app/src/new.ts", "src/new.ts"),
        ("app/new/../new.ts", "new.ts"),
        ("app/*.ts", "/*.ts"),
        ("app/src/*.ts", "src/*.ts"),
        ("app/app/[id]/*.ts", "app/[[]id]/*.ts"),
        ("alias", "**"),
        ("alias/src/main.ts", "=src/main.ts"),
        ("alias/src/**", "src/**"),
        ("source", "src/"),
        ("source/main.ts", "=src/main.ts"),
        ("source/*.ts", "src/*.ts"),
    ] {
        let argument = format!("{}/{argument}", sandbox.path("").display());
        assert_eq!(text(&sandbox, "src", &argument), expected, "{argument}");
    }
}

#[test]
fn links_stay_at_the_end_and_are_followed_before_it() {
    check(&[
        ("src", "link.ts", "=src/link.ts"),
        ("src", "broken.ts", "=src/broken.ts"),
        ("src", "linked", "=src/linked"),
        ("src", "linked/", "src/sub/"),
        ("src", "linked/deep.ts", "=src/sub/deep.ts"),
        ("", "src/linked/*.ts", "src/sub/*.ts"),
        ("src", "linked/new.ts", "src/sub/new.ts"),
        // One that leads out of the repository is all that git knows of what is behind it.
        ("src", "out/x.ts", "src/out/x.ts"),
    ]);
}

#[test]
fn through_a_linked_current_directory() {
    let sandbox = sandbox();
    let cwd = sandbox.path("source");
    let target = resolve(&discover(&cwd), &cwd, "main.ts").unwrap();
    assert_eq!((target.text.as_str(), target.literal), ("src/main.ts", true));
}

#[test]
fn symbols_are_split_off() {
    let sandbox = sandbox();
    for (argument, path, literal, symbol) in [
        ("main.ts::Router::handleAuth", "src/main.ts", true, Some("Router::handleAuth")),
        ("main.ts::run", "src/main.ts", true, Some("run")),
        ("*.ts::run", "src/**/*.ts", false, Some("run")),
        ("/README.md::Top", "README.md", true, Some("Top")),
        ("new.ts::A", "src/new.ts", false, Some("A")),
        ("sub::A", "src/sub/", false, Some("A")),
        ("a::b.ts", "src/a::b.ts", true, None),
        ("a::b.ts::C::d", "src/a::b.ts", true, Some("C::d")),
        ("x::y", "src/x::y/", false, None),
        ("x::y/z.ts", "src/x::y/z.ts", true, None),
        ("x::y/*.ts::A", "src/x::y/*.ts", false, Some("A")),
    ] {
        let target = resolve_in(&sandbox, "src", argument).unwrap();
        let symbols: Vec<String> = symbol.map(str::to_owned).into_iter().collect();
        assert_eq!(target, Target { text: path.to_owned(), literal, symbols }, "{argument}");
    }
}

#[test]
fn refusals() {
    let sandbox = sandbox();
    let outside = format!("{}/app/../elsewhere.ts", sandbox.path("").display());
    for argument in ["../../x.ts", "../..", "../../app/src/main.ts", "/../x", &outside] {
        let error = resolve_in(&sandbox, "src", argument).unwrap_err();
        assert!(matches!(error, WorkspaceError::OutsideRepository { .. }), "{argument}: {error:?}");
        assert!(error.hint().is_some() && error.to_string().contains(argument));
    }
    for argument in ["", "::A", "main.ts::", "*/../x", "a*/b/.."] {
        let error = resolve_in(&sandbox, "src", argument).unwrap_err();
        assert!(matches!(error, WorkspaceError::Argument { .. }), "{argument}: {error:?}");
    }
}
