//! How fast the symbols of Python's standard library are found, on one core and on all of them.
//!
//! `cargo bench --bench symbols`, or `cargo bench --bench symbols -- DIRECTORY` for other sources. Without a directory it
//! measures the library of the `python3` that is installed.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use coord::symbols::{Language, extract};
use ignore::WalkBuilder;

/// How often everything is read; the fastest counts, for others may be at work on the machine.
const ROUNDS: usize = 5;

fn main() {
    let directory = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let Some(directory) = directory.map(PathBuf::from).or_else(python_library) else {
        println!("nothing to measure: name a directory, or install python3");
        return;
    };
    let sources = sources(&directory);
    let bytes: usize = sources.iter().map(|(_, source)| source.len()).sum();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("{}: {} files, {:.1} MB", directory.display(), sources.len(), bytes as f64 / 1e6);
    println!("{:>8} {:>9} {:>9} {:>9}", "threads", "s", "MB/s", "symbols");
    for threads in [1, cores] {
        let (taken, symbols) = (0..ROUNDS).map(|_| round(&sources, threads)).min().unwrap_or_default();
        let rate = bytes as f64 / 1e6 / taken.as_secs_f64();
        println!("{threads:>8} {:>9.3} {rate:>9.1} {symbols:>9}", taken.as_secs_f64());
    }
}

/// The time it takes to read everything, and the symbols found.
fn round(sources: &[(String, Vec<u8>)], threads: usize) -> (Duration, usize) {
    let (next, symbols) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((path, source)) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = black_box(extract(path, source)).map_or(0, |found| found.len());
                    symbols.fetch_add(found, Ordering::Relaxed);
                }
            });
        }
    });
    (start.elapsed(), symbols.into_inner())
}

fn sources(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut walk = WalkBuilder::new(directory);
    walk.standard_filters(false).filter_entry(|entry| entry.file_name() != "site-packages");
    let paths =
        walk.build().flatten().filter_map(|entry| entry.into_path().into_os_string().into_string().ok());
    let known = paths.filter(|path| Language::of(path).is_some());
    known.filter_map(|path| fs::read(&path).ok().map(|source| (path, source))).collect()
}

fn python_library() -> Option<PathBuf> {
    let mut python = Command::new("python3");
    let said = python.args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]).output().ok()?;
    said.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()))
}
