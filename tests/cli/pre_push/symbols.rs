//! Which symbols a push touches.

use insta::assert_snapshot;

use super::{AUTH, Clone, PASSED, push};
use crate::harness::{World, both};

#[test]
fn a_push_beside_a_held_function_passes() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/auth.ts::handleLogin", "-m", "login form"]);
        clone.edit_logout();
        assert_snapshot!(push(&world.alice(), &["origin", "main"]), @"--- status 0");
        clone.edit_login();
        assert_snapshot!(push(&world.alice(), &["origin", "main"]), @"
        --- stderr
        coord: this push changes what others hold
        conflict: src/auth.ts::handleLogin meets src/auth.ts::handleLogin of alice/cli/bob (01234567), held for another 4h: login form
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        hint: to push all the same: `git push --no-verify`
        error: failed to push some refs to '../remote.git'
        --- status 1
        ");
        // Stopped, it has changed nothing at the remote.
        assert_eq!(clone.says(&["rev-parse", "origin/main"]), clone.says(&["rev-parse", "HEAD~1"]));
        push(&world.alice(), &["--no-verify", "origin", "main"]).ok();
    });
}

#[test]
fn python() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    let text = "import os\n\nclass Auth:\n    @property\n    def login(self):\n        return 1\n\n    async def logout(self):\n        return 2\n";
    clone.commit(&[("auth.py", text)]);
    clone.git(&["push", "--quiet", "origin", "main"]);
    clone.held(&["auth.py::Auth::login"]);
    clone.edit("auth.py", "return 2", "return 3");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit("auth.py", "@property", "@cached");
    assert_eq!(clone.push(&["origin", "main"]), ["auth.py::Auth::login"]);
    clone.edit("auth.py", "class Auth:", "class Auth(Base):");
    assert_eq!(clone.push(&["origin", "main"]), ["auth.py::{Auth, Auth::login}"]);
}

#[test]
fn go() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    let text = "package a\n\nfunc (s *Server) Login() {\n\tone()\n}\n\nfunc (c *Client) Login() {\n\ttwo()\n}\n\nvar x, y = 1, 2\n";
    clone.commit(&[("auth.go", text)]);
    clone.git(&["push", "--quiet", "origin", "main"]);
    clone.held(&["auth.go::Server::Login", "auth.go::x"]);
    clone.edit("auth.go", "two()", "2()");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit("auth.go", "one()", "1()");
    assert_eq!(clone.push(&["origin", "main"]), ["auth.go::Server::Login"]);
    clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    clone.edit("auth.go", "1, 2", "1, 3");
    assert_eq!(clone.push(&["origin", "main"]), ["auth.go::x"]);
}

#[test]
fn outside_any_symbol_it_is_the_file() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/auth.ts::handleLogin"]);
        clone.edit("src/auth.ts", "import { a }", "import { b }");
        assert_snapshot!(push(&world.alice(), &["origin", "main"]), @"
        --- stderr
        coord: this push changes what others hold
        conflict: src/auth.ts meets src/auth.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        hint: to push all the same: `git push --no-verify`
        error: failed to push some refs to '../remote.git'
        --- status 1
        ");
    });
}

#[test]
fn removed_and_renamed_symbols_count_as_they_were() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    for (from, to, name) in [
        ("handleLogin", "handleSignIn", "handleLogin"),
        ("export function handleLogin() {\n  return 'in';\n}\n", "", "handleLogin"),
        ("  return 'in';\n", "", "handleLogin"),
    ] {
        clone.edit("src/auth.ts", from, to);
        assert_eq!(clone.push(&["origin", "main"]), [format!("src/auth.ts::{name}")]);
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
    }
    clone.edit("src/auth.ts", "handleLogout", "handleSignOut");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
}

#[test]
fn a_new_function_is_itself_and_blank_lines_are_nothing() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.edit(
        "src/auth.ts",
        "\nexport function handleLogin",
        "\nexport function fresh() {}\n\nexport function handleLogin",
    );
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit("src/auth.ts", "\nexport", "\n\n  \t\nexport");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    // A name may be held before it is there.
    let trusted = world.bob().env("COORD_DISABLE_CLIENT_VALIDATION", "1");
    trusted.coord(&["claim", "src/auth.ts::later"]).ok();
    clone.edit("src/auth.ts", "function fresh", "function later");
    assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts::later"]);
}

#[test]
fn an_outer_symbol_holds_what_is_in_it() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.commit(&[(
        "a.ts",
        "class Router {\n  get() {\n    one();\n  }\n}\nclass Other {\n  get() {\n    two();\n  }\n}\n",
    )]);
    clone.git(&["push", "--quiet", "origin", "main"]);
    clone.held(&["a.ts::Router"]);
    clone.edit("a.ts", "two()", "2()");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit("a.ts", "one()", "1()");
    assert_eq!(clone.push(&["origin", "main"]), ["a.ts::Router::get"]);
}

#[test]
fn symbols_held_on_a_glob() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/**/*.ts", "--symbol", "handleLogin"]);
        clone.edit_logout();
        clone.commit(&[("src/more/new.ts", AUTH), ("new.ts", AUTH)]);
        assert_eq!(clone.push(&["origin", "main"]), ["src/more/new.ts"]);
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        clone.edit_login();
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts::handleLogin"]);
    });
}

#[test]
fn broken_syntax_is_read_as_far_as_it_goes() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    clone.edit("src/auth.ts", "return 'out';", "return ((;");
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.commit(&[("src/auth.ts", "\0\u{1}")]);
    assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
}
