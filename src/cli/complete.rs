//! What a shell completes a word to: claims, places in the queue, requests, engineers, and the symbols of a file.
//!
//! Asked for while somebody types. So it takes milliseconds, gives a service little time to answer, writes nothing, and
//! comes to nothing where anything is wrong: not a word of it may get between what is being typed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::StyledStr;
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate as Candidate, PathCompleter, ValueCompleter,
};

use super::claim::scope;
use super::context::Context;
use super::output;
use crate::symbols::extract;
use crate::wire::{ClaimRow, ListQuery, RequestQuery};
use crate::workspace::{Env, Workspace, resolve};

/// How long a service has to answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// The most words that are offered. Nobody reads more, and the next letter tells the others.
const MOST: usize = 200;

/// The largest file whose symbols are offered, in bytes.
const LARGEST: u64 = 1 << 20;

/// Files, and after `FILE::` the symbols of that file.
pub(super) fn files() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match current.to_str().and_then(symbols) {
        Some(symbols) => symbols,
        None => PathCompleter::any().complete(current),
    })
}

/// What the caller holds, by scope and by id.
pub(super) fn own_claims() -> ArgValueCompleter {
    held(true)
}

/// What others hold, by scope and by id.
pub(super) fn others_claims() -> ArgValueCompleter {
    held(false)
}

fn held(by_caller: bool) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        offered(current, |context, current| {
            let mut rows = claims(context)?;
            rows.retain(|row| (row.engineer == context.engineer()) == by_caller);
            Some(named(context, &rows, current))
        })
    })
}

/// Who holds something here.
pub(super) fn engineers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        offered(current, |context, current| {
            let mut names: Vec<String> = claims(context)?.into_iter().map(|row| row.engineer).collect();
            names.sort_unstable();
            names.dedup();
            Some(told(names.into_iter().map(|name| (name, String::new())), current))
        })
    })
}

/// Places in the queue.
pub(super) fn places() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        offered(current, |context, current| {
            let query = RequestQuery { queued: true, state: "waiting".into(), ..query(context) };
            let rows = context.client.queue(&query).ok()?.queued;
            let places = rows.into_iter().map(|row| {
                let what = scope(&row.requester_pattern, row.symbols.as_deref());
                (output::short(&row.queue_id), format!("{} waits for {what}", row.requester_engineer))
            });
            Some(told(places, current))
        })
    })
}

/// Release requests: those that are open, or only those that the caller has to answer.
fn requests(only_to_me: bool) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        offered(current, |context, current| {
            let holder = only_to_me.then(|| context.engineer().to_owned());
            let query = RequestQuery { decision: Some("pending".into()), holder, ..query(context) };
            let rows = context.client.requests(&query).ok()?.requests;
            let open = rows.into_iter().map(|row| {
                let about = format!("{} asks for {}", row.requester_engineer, row.holder_pattern);
                (output::short(&row.id), about)
            });
            Some(told(open, current))
        })
    })
}

/// Release requests that are open.
pub(super) fn open_requests() -> ArgValueCompleter {
    requests(false)
}

/// Release requests that the caller has to answer.
pub(super) fn requests_to_me() -> ArgValueCompleter {
    requests(true)
}

fn query(context: &Context) -> RequestQuery {
    RequestQuery { repo: Some(context.workspace.repo_id.clone()), ..RequestQuery::default() }
}

/// The claims of this repository. Nobody is kept alive by typing.
fn claims(context: &mut Context) -> Option<Vec<ClaimRow>> {
    let query = ListQuery { session_id: None, ..context.query() };
    Some(context.client.claims(&query).ok()?.claims)
}

/// Claims by what one can call them in a command: the start of the id, and the scope where that means the same.
fn named(context: &Context, rows: &[ClaimRow], current: &str) -> Vec<Candidate> {
    let at_root = context.workspace.worktree.prefix.is_empty();
    let by_scope = rows.iter().filter(|row| at_root && row.symbols.as_ref().is_none_or(|all| all.len() == 1));
    let by_scope = by_scope.map(|row| (scope(&row.pattern, row.symbols.as_deref()), row, false));
    let by_id = rows.iter().map(|row| (output::short(&row.id), row, true));
    let mut seen = HashSet::new();
    let fits = by_scope.chain(by_id).filter(|(word, ..)| fits(word, current) && seen.insert(word.clone()));
    fits.take(MOST)
        .map(|(word, row, is_id)| {
            let held = match is_id {
                true => format!("{}, held by {}", scope(&row.pattern, row.symbols.as_deref()), row.engineer),
                false => format!("held by {}", row.engineer),
            };
            candidate(&word, &held)
        })
        .collect()
}

/// What can be asked here that completes the current word.
fn offered(
    current: &OsStr,
    ask: impl FnOnce(&mut Context, &str) -> Option<Vec<Candidate>>,
) -> Vec<Candidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let Some(mut context) = open() else { return Vec::new() };
    ask(&mut context, current).unwrap_or_default()
}

/// Words that complete the current one, each with what it is about.
fn told(words: impl Iterator<Item = (String, String)>, current: &str) -> Vec<Candidate> {
    let fits = words.filter(|(word, _)| fits(word, current));
    fits.take(MOST).map(|(word, about)| candidate(&word, &about)).collect()
}

/// Whether a word completes the current one, and may stand on a command line: others may have written it.
fn fits(word: &str, current: &str) -> bool {
    word.starts_with(current) && is_harmless(word)
}

fn candidate(word: &str, about: &str) -> Candidate {
    let about = Some(about).filter(|about| !about.is_empty());
    Candidate::new(word).help(about.map(|about| StyledStr::from(output::clean(about))))
}

/// Whether a word can stand on a command line as it is: a shell puts it there unseen. A claim of another scope has its id.
fn is_harmless(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "-_./:@%+,".contains(c))
}

/// The clone around, if there is anything to ask in it.
fn open() -> Option<Context> {
    let cwd = std::env::current_dir().ok()?;
    Context::open_quietly(cwd, &Env::from_process(), PATIENCE).ok()?
}

/// The symbols that complete `FILE::NAME`; `None` if the word is no such thing.
fn symbols(word: &str) -> Option<Vec<Candidate>> {
    let (file, name) = word.split_once("::")?;
    let path = Path::new(file);
    let path = match file.strip_prefix('/') {
        // From the root of the repository, unless it is from that of the file system.
        Some(inside) if !path.exists() => from_root(inside)?,
        _ => path.to_owned(),
    };
    let is_small = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
    let source = is_small.then(|| std::fs::read(&path).ok())??;
    let mut found = extract(file, &source).ok()?;
    found.retain(|symbol| symbol.path.starts_with(name) && is_harmless(&symbol.path));
    found.dedup_by(|a, b| a.path == b.path);
    let told = found.iter().take(MOST).map(|symbol| {
        candidate(
            &format!("{file}::{}", symbol.path),
            &format!("{}, line {}", symbol.kind, symbol.start_line),
        )
    });
    Some(told.collect())
}

fn from_root(inside: &str) -> Option<PathBuf> {
    let cwd = std::env::current_dir().ok()?;
    let workspace = Workspace::open_at_a_glance(&cwd, &Env::from_process()).ok()?;
    let target = resolve(&workspace.worktree, &cwd, &format!("/{inside}")).ok()?;
    Some(workspace.worktree.root.join(target.text))
}
