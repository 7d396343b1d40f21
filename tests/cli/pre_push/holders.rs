//! Whose claims are in the way.

use insta::assert_snapshot;

use super::{Clone, PASSED, blocked, push};
use crate::harness::{TOKEN, World, both};

#[test]
fn a_holder_of_the_file_blocks() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/auth.ts", "-m", "all of it"]);
        clone.edit_logout();
        assert_snapshot!(push(&world.alice(), &["origin", "main"]), @"
        --- stderr
        coord: this push changes what others hold
        conflict: src/auth.ts meets src/auth.ts of alice/cli/bob (01234567), held for another 4h: all of it
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        hint: to push all the same: `git push --no-verify`
        error: failed to push some refs to '../remote.git'
        --- status 1
        ");
        world.bob().coord(&["release", "--all"]).ok();
        clone.held(&["src/**"]);
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
        // Even a line that says nothing.
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
        clone.edit("src/auth.ts", "\nexport", "\n\nexport");
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
    });
}

#[test]
fn ones_own_claims_never_block() {
    both(|world| {
        let clone = Clone::new(world);
        world.alice().coord(&["claim", "src"]).ok();
        clone.edit_login();
        clone.edit("docs/guide.md", "one", "two");
        // Of this engineer, wherever it is made.
        world
            .bob()
            .env("COORD_ENGINEER", "alice/cli/main")
            .env("COORD_SESSION_ID", "s")
            .coord(&["claim", "docs"])
            .ok();
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        // Of this worktree's session, whatever runs there.
        clone.edit_login();
        let other = world.alice().env("CLAUDECODE", "1");
        assert_eq!(blocked(&push(&other, &["origin", "main"])), PASSED);
    });
}

#[test]
fn sessions_of_agents_that_run_here() {
    both(|world| {
        let clone = Clone::new(world);
        world
            .alice()
            .env("COORD_ENGINEER", "agent")
            .env("COORD_SESSION_ID", "agent-1")
            .coord(&["claim", "src"])
            .ok();
        clone.edit_login();
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let live = |pid: u32| {
            world.write(
                "app/.coordination/sessions.live",
                &format!("# agents\nagent-0 {pid} 1\nagent-1 {pid} 1\n"),
            )
        };
        live(ended.id());
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
        live(std::process::id());
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
    });
}

#[test]
fn a_symbol_carved_out_of_a_held_file_is_its_owners() {
    both(|world| {
        let clone = Clone::new(world);
        let carol = world.bob().env("COORD_ENGINEER", "carol").env("COORD_SESSION_ID", "carol");
        carol.coord(&["claim", "src/auth.ts"]).ok();
        world.alice().coord(&["claim", "src/auth.ts::handleLogout"]).ok();
        clone.edit_logout();
        assert_eq!(clone.push(&["origin", "main"]), PASSED);
        clone.edit_login();
        assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts"]);
        // Neither is it anybody else's, nor the holder's any more.
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
        clone.edit_logout();
        let dave = world.alice().env("COORD_ENGINEER", "dave").env("COORD_SESSION_ID", "dave");
        assert_eq!(blocked(&push(&dave, &["origin", "main"])), ["src/auth.ts", "src/auth.ts::handleLogout"]);
        let carol = world.alice().env("COORD_ENGINEER", "carol").env("COORD_SESSION_ID", "carol");
        assert_eq!(blocked(&push(&carol, &["origin", "main"])), ["src/auth.ts::handleLogout"]);
        clone.git(&["reset", "--quiet", "--hard", "origin/main"]);
        clone.edit_login();
        assert_eq!(blocked(&push(&carol, &["origin", "main"])), PASSED);
        // What is outside all symbols stayed with the holder of the file.
        let source = std::fs::read_to_string(world.path("app/src/auth.ts")).unwrap();
        clone.commit(&[("src/auth.ts", &format!("import x from 'x';\n{source}"))]);
        assert_eq!(blocked(&push(&dave, &["origin", "main"])), ["src/auth.ts", "src/auth.ts"]);
        assert_eq!(blocked(&push(&carol, &["origin", "main"])), PASSED);
    });
}

#[test]
fn claims_in_another_repository_do_not_count() {
    let world = World::served();
    let clone = Clone::new(&world);
    world.bob().env("COORD_REPO_ID", "another").coord(&["claim", "src"]).ok();
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
}

#[test]
fn one_request_for_many_files() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    let serving = world.serve(&[("COORD_LOG_JSON", "1")]);
    let at = |place: crate::harness::Place<'_>, arguments: &[&str]| {
        let place = place.env("COORD_API_URL", &serving.url()).env("COORD_AUTH_TOKEN", TOKEN);
        match arguments {
            ["push", ..] => place.run("git", arguments),
            _ => place.coord(arguments),
        }
    };
    at(world.bob(), &["claim", "src/auth.ts::handleLogin", "many/7.txt"]).ok();
    let files: Vec<String> = (0..1000).map(|number| format!("many/{number}.txt")).collect();
    clone.commit(&files.iter().map(|name| (name.as_str(), "one\n")).collect::<Vec<_>>());
    clone.edit_logout();
    assert_eq!(blocked(&at(world.alice(), &["push", "--quiet", "origin", "main"])), ["many/7.txt"]);
    serving.signal("TERM");
    let (log, _) = serving.ended();
    let asked: Vec<&str> = log.lines().filter(|line| line.contains("http_request")).collect();
    let checks = asked.iter().filter(|line| line.contains("\"/conflicts\"")).count();
    // The other is the claim.
    assert_eq!((asked.len(), checks), (2, 1), "{log}");
}
