//! No request may keep everybody waiting, or fill the log.

use super::*;
use crate::engine::Progress;

/// A world in which somebody holds so many files.
fn crowded(files: usize) -> World {
    let mut world = World::new();
    for first in (0..files).step_by(1000) {
        let patterns: Vec<String> = (first..files.min(first + 1000)).map(|n| format!("src/{n}.ts")).collect();
        let request = world.ask("ada", &patterns.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(world.claim(&request).is_granted());
    }
    world
}

#[test]
fn a_request_that_comes_to_stand_beside_too_many_is_too_broad() {
    let mut world = crowded(1001);
    let before = world.state.revision();
    let request = world.ask("bob", &["src/*.ts::get"]);
    assert!(matches!(world.decide(&Command::Claim(request)), Outcome::TooBroad));
    assert_eq!(world.state.revision(), before);
    let request = world.ask("bob", &["src/1*.ts::get"]);
    assert!(world.claim(&request).is_granted());
}

#[test]
fn many_items_that_each_look_at_everything_are_too_broad_and_one_is_not() {
    let mut world = crowded(20_000);
    let many = vec!["**/*.rs"; 100];
    let request = world.ask("bob", &many);
    assert!(matches!(world.decide(&Command::Claim(request)), Outcome::TooBroad));
    assert!(world.take("bob", "**/*.rs").number.0 > 0);
}

#[test]
fn a_long_check_goes_in_steps_and_finds_the_same() {
    let mut world = crowded(20_000);
    let texts = ["**/1*.ts", "src/7.ts", "**/2?.ts", "**/*99*.ts", "lib/**", "src/*"].repeat(3);
    let scopes: Vec<Scope> = texts.iter().map(|text| world.item(text).scope).collect();
    let caller = Caller { engineer: "bob", sessions: &[] };
    let (mut steps, mut progress) = (0, Progress::default());
    while progress.scopes < scopes.len() {
        let before = progress.work;
        world.state.check(None, caller, &scopes, &mut progress);
        assert!(progress.work - before < Progress::STEP + 50_000, "{progress:?}");
        steps += 1;
    }
    assert!(steps > 1);
    let hits = |item: usize| progress.conflicts.list.iter().filter(|conflict| conflict.item == item).count();
    assert_eq!((hits(0), hits(4)), (Conflicts::MOST, 0));
    assert_eq!(progress.conflicts.list.len(), Conflicts::MOST);
    assert!(progress.conflicts.left_out > 20_000);
}
