//! Who may stand beside whom, and what is kept of it.

use super::*;

/// Whom a claim shares files with, by pattern.
fn partners(world: &World, claim: &Claim) -> Vec<String> {
    let partners = world.find(claim).coexists_with.clone();
    partners.iter().map(|&id| world.state.claim(id).unwrap().engineer.to_string()).collect()
}

#[test]
fn the_table_of_scopes_decides_who_is_let_in() {
    for (held, wanted, how) in [
        ("a.ts", "a.ts", None),
        ("a.ts", "b.ts", Some(None)),
        ("a.ts", "a.ts::A", Some(Some(Resolution::AutoNarrow))),
        ("word:a.ts", "a.ts::A", Some(Some(Resolution::AutoNarrow))),
        ("module:a.ts", "a.ts::A", None),
        ("shared_file:a.ts", "a.ts::A", None),
        ("shared_file:a.ts", "a.ts", None),
        ("a.ts", "shared_file:a.ts", None),
        ("shared_file:a.ts", "shared_file:*.ts", Some(None)),
        ("a.ts::A", "a.ts", None),
        ("a.ts::A", "a.ts::B", Some(Some(Resolution::AutoCoexist))),
        ("a.ts::A", "b.ts::A", Some(None)),
        ("a.ts::A", "*.ts::A", None),
        ("a.ts::A", "*.ts::B", Some(Some(Resolution::AutoCoexist))),
        ("a.ts::A::x", "a.ts::A", None),
        ("a.ts::A", "a.ts::A::x", None),
        ("a.ts::A::x", "a.ts::A::y", Some(Some(Resolution::AutoCoexist))),
        ("a.ts::A,B", "a.ts::C,B", None),
        ("src/**", "src/a.ts::A", Some(Some(Resolution::AutoNarrow))),
    ] {
        let mut world = World::new();
        let holder = world.take("ada", held);
        let request = world.ask("bob", &[wanted]);
        let got = world.claim(&request);
        assert_eq!(got.is_granted(), how.is_some(), "{held} {wanted}");
        let Some(how) = how else { continue };
        let asker = got.one();
        let logged = world.log.records.iter().find_map(|record| match &record.change {
            Change::Shared { how, holder, requester, .. } => Some((*how, *holder, *requester)),
            _ => None,
        });
        assert_eq!(logged, how.map(|how| (how, holder.number, asker.number)), "{held} {wanted}");
        let told = if how.is_some() { vec!["ada".to_owned()] } else { vec![] };
        assert_eq!(partners(&world, &asker), told, "{held} {wanted}");
    }
}

#[test]
fn a_holder_decides_whether_symbols_may_be_carved_out() {
    for (item, narrowable, let_in) in [
        ("src/**", None, true),
        ("src/**", Some(false), false),
        ("module:src", Some(true), true),
        ("shared_file:src", Some(true), true),
    ] {
        let mut world = World::new();
        let mut request = world.ask("ada", &[item]);
        request.items[0].narrowable = narrowable;
        world.claim(&request).one();
        let request = world.ask("bob", &["src/a.ts::A"]);
        assert_eq!(world.claim(&request).is_granted(), let_in, "{item} {narrowable:?}");
    }
}

#[test]
fn partners_are_told_of_each_other_in_the_order_they_came() {
    let mut world = World::new();
    let file = world.take("ada", "src/**");
    let first = world.take("bob", "src/a.ts::A");
    let second = world.take("cyd", "src/*.ts::B");
    assert_eq!(partners(&world, &file), ["bob", "cyd"]);
    assert_eq!(partners(&world, &first), ["ada", "cyd"]);
    assert_eq!(partners(&world, &second), ["ada", "bob"]);
    let Change::Shared { path, symbols, .. } = &world.log.records[2].change else { panic!("not shared") };
    assert_eq!((&**path, &**symbols), ("src/a.ts", &[Box::from("A")][..]));
    // Who is over is nobody's partner any more, however it ended.
    world.release(&first);
    assert_eq!(partners(&world, &file), ["cyd"]);
    assert_eq!(partners(&world, &second), ["ada"]);
    world.extend(&second, "cyd", secs(1));
    world.now += 1000;
    world.tick();
    assert_eq!(partners(&world, &file), Vec::<String>::new());
}

#[test]
fn a_resolution_excuses_that_pair_and_that_scope_only() {
    let mut world = World::new();
    let file = world.take("ada", "src/**");
    world.take("bob", "src/a.ts::A");
    for (engineer, wanted, by) in [
        ("bob", "src/a.ts", "ada"),
        ("bob", "src/b.ts", "ada"),
        ("cyd", "src/a.ts::A", "bob"),
        ("cyd", "src/b.ts", "ada"),
    ] {
        let request = world.ask(engineer, &[wanted]);
        assert_eq!(world.claim(&request).refused_by(), [(0, by.to_owned())], "{engineer} {wanted}");
    }
    // The holder has let the symbol go: even alone in the file, others cannot take it from who has it now.
    world.release(&file);
    let request = world.ask("ada", &["src/**"]);
    assert_eq!(world.claim(&request).refused_by(), [(0, "bob".to_owned())]);
}

#[test]
fn own_claims_are_no_partners() {
    let mut world = World::new();
    let file = world.take("ada", "src/**");
    let symbol = world.take("ada", "src/a.ts::A");
    assert!(world.find(&file).coexists_with.is_empty() && world.find(&symbol).coexists_with.is_empty());
}

#[test]
fn three_may_share_where_the_type_says_so() {
    let mut world = World::new();
    for engineer in ["ada", "bob", "cyd"] {
        world.take(engineer, "shared_file:package.json");
    }
    let request = world.ask("dan", &["*.json"]);
    assert_eq!(world.claim(&request).refused_by().len(), 3);
    assert!(!world.log.records.iter().any(|record| matches!(record.change, Change::Shared { .. })));
}
