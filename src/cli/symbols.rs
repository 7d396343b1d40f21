//! `coord symbols`: what there is to claim inside a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use ignore::WalkBuilder;
use indicatif::ProgressBar;
use serde::Serialize;

use super::error::Kind;
use super::output::{self, Style};
use super::{CliError, Done, Exit};
use crate::symbols::{self, Language, MAX_BYTES, Symbol, SymbolError};

/// How long it may take before a terminal is shown how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// List the functions, classes and other symbols of files
///
/// Each can be claimed on its own as FILE::NAME. Known are TypeScript, JavaScript, Python and Go. In a directory, files in
/// other languages and those that .gitignore names are passed over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord symbols src/auth/login.ts\n  \
    coord symbols src --json | jq -r '.[] | .file as $file | .symbols[] | \"\\($file)::\\(.path)\"'")]
pub(super) struct SymbolsArgs {
    /// Read these files, and the files below these directories
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one array with all files as JSON
    #[arg(long)]
    json: bool,
}

/// A file as it is printed.
#[derive(Debug, Serialize)]
struct Outline {
    file: String,
    language: &'static str,
    symbols: Vec<Symbol>,
}

/// Why a file is not among those printed.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read `{file}`")]
    Read { file: String, source: io::Error },
    #[error("cannot list what is below `{directory}`")]
    Walk { directory: String, source: ignore::Error },
    #[error("cannot find the symbols of `{file}`")]
    Symbols { file: String, source: SymbolError },
}

pub(super) fn run(args: SymbolsArgs) -> Done {
    let files: Vec<_> = args.files.iter().flat_map(|argument| files(argument)).collect();
    let (mut outlines, mut failures) = (Vec::new(), Vec::new());
    for outcome in read_all(files) {
        match outcome {
            Ok(outline) => outlines.push(outline),
            Err(error) => failures.push(error),
        }
    }
    if args.json {
        output::json(&outlines)?;
    } else {
        for outline in &outlines {
            in_words(outline)?;
        }
    }
    // The last is reported as any failure is, once this returns.
    let last = failures.pop();
    for error in failures {
        output::say(Style::Error, "error", &error.to_string());
        if let Some(cause) = std::error::Error::source(&error) {
            output::say(Style::Cause, "caused by", &cause.to_string());
        }
    }
    last.map_or(Ok(Exit::Ok), |error| Err(CliError::new(Kind::Failed, error)))
}

/// The files that an argument stands for: itself, or if it is a directory those below it, sorted.
fn files(argument: &Path) -> Vec<Result<PathBuf, FileError>> {
    if !argument.is_dir() {
        return vec![Ok(argument.to_owned())];
    }
    let walk = WalkBuilder::new(argument).require_git(false).sort_by_file_name(|a, b| a.cmp(b)).build();
    let found = walk.filter_map(|entry| match entry {
        Ok(entry) => {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            let is_known = is_file && Language::of(&entry.path().to_string_lossy()).is_some();
            is_known.then(|| Ok(entry.into_path()))
        }
        Err(source) => Some(Err(FileError::Walk { directory: argument.display().to_string(), source })),
    });
    found.collect()
}

/// Reads files on all cores; the outcomes are in the order of the files.
fn read_all(files: Vec<Result<PathBuf, FileError>>) -> Vec<Result<Outline, FileError>> {
    let start = Instant::now();
    let progress = OnceLock::new();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcomes: Vec<OnceLock<_>> = files.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&at| at < files.len()) {
            if let Ok(file) = &files[at] {
                // Nobody else was given this place.
                let _ = outcomes[at].set(outline(file));
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if start.elapsed() > PATIENCE {
                progress.get_or_init(|| ProgressBar::new(files.len() as u64)).set_position(done as u64);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    if let Some(bar) = progress.get() {
        bar.finish_and_clear();
    }
    let outcomes = outcomes.into_iter().map(OnceLock::into_inner);
    files
        .into_iter()
        .zip(outcomes)
        .filter_map(|(file, outcome)| file.map_or_else(|error| Some(Err(error)), |_| outcome))
        .collect()
}

fn outline(path: &Path) -> Result<Outline, FileError> {
    let file = path.display().to_string();
    let Some(language) = Language::of(&file) else {
        let source = SymbolError::UnknownLanguage { path: file.clone() };
        return Err(FileError::Symbols { file, source });
    };
    let text = match read(path) {
        Ok(text) => text,
        Err(source) => return Err(FileError::Read { file, source }),
    };
    match symbols::extract(&file, &text) {
        Ok(symbols) => Ok(Outline { file, language: language.name(), symbols }),
        Err(source) => Err(FileError::Symbols { file, source }),
    }
}

/// Reads a file, or as much of it as shows that it is too large.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn in_words(outline: &Outline) -> io::Result<()> {
    output::line(&format!("{} {}", visible(&outline.file), Style::Faint.paint(outline.language)))?;
    for symbol in &outline.symbols {
        let (depth, name) = match symbol.path.rsplit_once("::") {
            Some((above, name)) => (above.matches("::").count() + 1, name),
            None => (0, symbol.path.as_str()),
        };
        let indent = "  ".repeat(depth + 1);
        let lines = match (symbol.start_line, symbol.end_line) {
            (start, end) if start == end => start.to_string(),
            (start, end) => format!("{start}-{end}"),
        };
        output::line(&format!("{indent}{} {} {}", symbol.kind, visible(name), Style::Faint.paint(&lines)))?;
    }
    Ok(())
}

/// A name with what would act on a terminal made harmless.
fn visible(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_its_source_files_in_order() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("b/z.py", "def f(): pass\n"),
            ("b.ts", "class A {}\n"),
            ("a.txt", ""),
            ("built/c.js", ""),
            (".gitignore", "built/\n"),
            ("bad.go", "\0"),
        ] {
            let file = directory.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let mut all = files(directory.path());
        all.extend(files(&directory.path().join("missing.py")));
        all.extend(files(&directory.path().join("a.txt")));
        let outcomes: Vec<_> = read_all(all)
            .into_iter()
            .map(|outcome| match outcome {
                Ok(outline) => format!("{} {}", outline.language, outline.symbols.len()),
                Err(error) => error.to_string().replace(&format!("{}/", directory.path().display()), ""),
            })
            .collect();
        let want = [
            "python 1",
            "typescript 1",
            "cannot find the symbols of `bad.go`",
            "cannot read `missing.py`",
            "cannot find the symbols of `a.txt`",
        ];
        assert_eq!(outcomes, want);
    }

    #[test]
    fn names_cannot_act_on_a_terminal() {
        assert_eq!(visible("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }
}
