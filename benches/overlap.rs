//! What a question about patterns costs: one pair, and one check against many active claims.
//!
//! `cargo bench --bench overlap`. The data is the same on every run.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coord::pattern::{Index, Pattern};
use hdrhistogram::Histogram;

/// How long each kind of pair is measured.
const PER_KIND: Duration = Duration::from_millis(200);

/// The share of active claims that begin with a wildcard: one in so many.
const LEADING_WILDCARDS: usize = 1000;

fn main() {
    pairs();
    checks();
}

fn pairs() {
    let stars = |piece: &str, times| format!("src/{}.ts", piece.repeat(times));
    let kinds = [
        (
            "literal, other name",
            "src/auth/session/login.ts".to_owned(),
            "src/auth/session/oauth.ts".to_owned(),
        ),
        ("literal, same", "src/auth/session/login.ts".to_owned(), "src/auth/session/login.ts".to_owned()),
        (
            "literal, other directory",
            "src/auth/session/login.ts".to_owned(),
            "lib/auth/session/login.ts".to_owned(),
        ),
        ("literal, directory above", "src/auth/session/login.ts".to_owned(), "src/auth/**".to_owned()),
        (
            "literal, glob that fits",
            "src/auth/session/login.ts".to_owned(),
            "src/auth/session/*.ts".to_owned(),
        ),
        ("literal, glob that does not", "src/auth/session/login.ts".to_owned(), "src/auth/*/*.py".to_owned()),
        ("literal, leading wildcard", "src/auth/session/login.ts".to_owned(), "*.lock".to_owned()),
        ("glob, glob", "src/*/login_*.ts".to_owned(), "src/auth/*_test.ts".to_owned()),
        ("gap, gap that meets", "src/**/api/*.ts".to_owned(), "**/v2/**".to_owned()),
        ("gap, gap that does not", "src/**/api/*.ts".to_owned(), "lib/**/*.ts".to_owned()),
        ("40 stars, 60 letters", stars("*a", 40), stars("a", 60)),
        ("2000 stars, 2000 stars", "*a".repeat(2000), "a*".repeat(2000)),
        ("2000 stars, 4000 letters", "*a".repeat(2000), "a".repeat(4000)),
        ("2000 letters in 4000", format!("/*{}b*", "a".repeat(2000)), format!("{}.c", "a".repeat(4000))),
        ("128 gaps, 128 gaps", ["**/a"; 128].join("/"), ["b/**"; 128].join("/")),
        ("128 gaps, 256 names", ["**/a"; 128].join("/"), vec!["a"; 256].join("/")),
    ];
    println!("{:<28} {:>12} {:>9}", "one pair", "ns", "overlaps");
    for (kind, a, b) in kinds {
        let (a, b) = (parse(&a), parse(&b));
        let start = Instant::now();
        let mut rounds = 0_u32;
        while start.elapsed() < PER_KIND {
            for _ in 0..64 {
                black_box(black_box(&a).overlaps(black_box(&b)));
            }
            rounds += 64;
        }
        let ns = start.elapsed().as_nanos() as f64 / f64::from(rounds);
        println!("{kind:<28} {ns:>12.1} {:>9}", a.overlaps(&b));
    }
}

fn checks() {
    println!("\n{:<28} {:>8} {:>10} {:>10} {:>10}", "one check", "active", "p50 us", "p99 us", "found");
    for active in [1_000, 10_000, 100_000] {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let start = Instant::now();
        let mut index = Index::new();
        for key in 0..active {
            index.insert(Arc::new(claim(&mut random, key)), key);
        }
        let built = start.elapsed();
        let query = |random: &mut Random| Pattern::literal(&path(random)).expect("a path");
        measure("an exact file", active, &index, 50_000, || query(&mut random));
        let mut random = Random(7);
        measure("a directory", active, &index, 2_000, || {
            parse(&format!("{}/**", path(&mut random).rsplit_once('/').expect("a path").0))
        });
        measure("**/*.ts", active, &index, 100, || parse("**/*.ts"));
        measure("**/index.ts", active, &index, 100, || parse("**/index.ts"));
        println!("{:<28} {active:>8} {:>10.2}", "building, each", built.as_secs_f64() * 1e6 / active as f64);
    }
}

fn measure(what: &str, active: usize, index: &Index<usize>, rounds: u32, mut query: impl FnMut() -> Pattern) {
    let mut times = Histogram::<u64>::new_with_bounds(1, 10_000_000_000, 3).expect("valid bounds");
    let mut found = 0_usize;
    for _ in 0..rounds {
        let query = query();
        let start = Instant::now();
        index.overlapping(black_box(&query), |key| {
            black_box(key);
            found += 1;
        });
        times.saturating_record(start.elapsed().as_nanos() as u64);
    }
    let us = |quantile| times.value_at_quantile(quantile) as f64 / 1000.0;
    let found = found as f64 / f64::from(rounds);
    println!("{what:<28} {active:>8} {:>10.2} {:>10.2} {found:>10.1}", us(0.5), us(0.99));
}

/// Makes a claim: mostly files, some directories and globs, few that begin with a wildcard.
fn claim(random: &mut Random, key: usize) -> Pattern {
    if key.is_multiple_of(LEADING_WILDCARDS) {
        return match random.below(3) {
            0 => parse(&format!("*.{}", random.pick(&["ts", "lock", "proto", "sql", "md"]))),
            1 => parse(&format!("**/gen_{}/**", random.below(1000))),
            _ => parse(&format!("**/{}{}.ts", random.pick(&STEMS), random.below(1000))),
        };
    }
    let path = path(random);
    match random.below(100) {
        0..90 => Pattern::literal(&path).expect("a path"),
        90..95 => parse(&format!("{path}/**")),
        95..98 => parse(&format!("{}/*_test.go", path.rsplit_once('/').expect("a path").0)),
        _ => parse(&format!("{}/**/fixtures/*.json", path.rsplit_once('/').expect("a path").0)),
    }
}

const STEMS: [&str; 8] = ["login", "render", "index", "handler", "model", "query", "session", "view"];

/// Makes a path of five names, as of a large monorepo.
fn path(random: &mut Random) -> String {
    let top = random.pick(&["services", "packages", "apps", "libs"]);
    let (unit, area) = (random.below(60), random.pick(&["api", "ui", "core", "store", "jobs"]));
    let stem = random.pick(&STEMS);
    let extension = random.pick(&["ts", "go", "rs", "py"]);
    format!("{top}/unit-{unit}/src/{area}/{stem}{}.{extension}", random.below(1000))
}

fn parse(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}
