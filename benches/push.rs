//! How long a push waits for its hook: `coord pre-push` for a commit that changes a thousand files.
//!
//! `cargo bench --bench push`; after `--` come `--quick` for a smoke run, and parts of names to run only those. Every row
//! is bounded in time and count. A target that is missed is shown, and fails nothing.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use support::{Result, Scratch, Service, TOKEN};

/// Files in the clone, of which a push changes the first so many.
const FILES: usize = 2000;

/// Files that the push changes.
const PUSHED: usize = 1000;

/// Of which somebody else holds a symbol in so many, if in any.
const HELD: usize = 100;

/// Functions in each file.
const FUNCTIONS: usize = 20;

/// How long one row may take.
const BOUND: Duration = Duration::from_secs(15);

/// A clone with a commit that its remote does not have, in which somebody else holds half of the files, and symbols in
/// some of the others or in none.
struct Clone {
    scratch: Scratch,
    service: Option<String>,
    input: String,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = if arguments.iter().any(|argument| argument == "--quick") { 5 } else { 100 };
    let parts: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    println!(
        "a push of {PUSHED} changed files, {FUNCTIONS} functions each; somebody holds {PUSHED} other files"
    );
    println!("{:<38} {:>6} {:>8} {:>8} {:>8} {:>8}", "", "runs", "min ms", "p50 ms", "target", "p99 ms");
    let service = Service::start()?;
    for (held, what, target) in [(0, "no symbols held", 50.0), (HELD, "symbols held in 100", 300.0)] {
        for served in [false, true] {
            let name = format!("{what}, {}", if served { "over HTTP" } else { "embedded" });
            if parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str())) {
                let url = served.then(|| format!("http://{}", service.address()));
                measure(&name, target, runs, &Clone::new(&format!("push-{held}-{served}"), url, held)?)?;
            }
        }
    }
    println!("git itself, and the push, are not in its time");
    Ok(())
}

fn measure(name: &str, target: f64, runs: usize, clone: &Clone) -> Result<()> {
    let mut times = Histogram::<u64>::new(3)?;
    let begun = Instant::now();
    for _ in 0..runs {
        let start = Instant::now();
        clone.push()?;
        times.record(start.elapsed().as_micros() as u64)?;
        if begun.elapsed() > BOUND {
            break;
        }
    }
    let ms = |us: u64| us as f64 / 1e3;
    let (count, least) = (times.len(), ms(times.min()));
    let (p50, p99) = (ms(times.value_at_quantile(0.5)), ms(times.value_at_quantile(0.99)));
    println!("{name:<38} {count:>6} {least:>8.2} {p50:>8.2} {:>8} {p99:>8.2}", format!("<{target:.0}"));
    Ok(())
}

fn file(number: usize) -> String {
    format!("src/unit-{}/file{number}.ts", number % 50)
}

/// A file whose last function is changed or not.
fn source(number: usize, changed: bool) -> String {
    let mut text = format!("import {{ a }} from './a{number}';\n");
    for function in 0..FUNCTIONS {
        let value = if changed && function + 1 == FUNCTIONS { "changed" } else { "value" };
        let _ = write!(
            text,
            "\nexport function f{function}(x: number): number {{\n  const {value} = a(x, {number});\n  \
             return {value} + x;\n}}\n"
        );
    }
    text
}

impl Clone {
    fn new(name: &str, service: Option<String>, held: usize) -> Result<Clone> {
        let mut clone = Clone { scratch: Scratch::new(name)?, service, input: String::new() };
        let write = |numbers: std::ops::Range<usize>, changed: bool| -> Result<()> {
            for number in numbers {
                let path = clone.root().join(file(number));
                fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
                fs::write(path, source(number, changed))?;
            }
            Ok(())
        };
        write(0..FILES, false)?;
        let repository = format!("https://git.example/{name}.git");
        clone.git(&["init", "--quiet"])?;
        clone.git(&["remote", "add", "origin", &repository])?;
        clone.git(&["add", "."])?;
        clone.git(&["commit", "--quiet", "-m", "Files"])?;
        clone.git(&["update-ref", "refs/remotes/origin/main", "HEAD"])?;
        let whole: Vec<String> = (PUSHED..FILES).map(file).collect();
        clone.claim(&whole)?;
        let symbols: Vec<String> = (0..held).map(|number| format!("{}::f0", file(number))).collect();
        if !symbols.is_empty() {
            clone.claim(&symbols)?;
        }
        write(0..PUSHED, true)?;
        clone.git(&["commit", "--quiet", "-a", "-m", "Changes"])?;
        let [new, old] = ["HEAD", "HEAD~1"].map(|name| clone.git(&["rev-parse", name]));
        clone.input = format!("refs/heads/main {} refs/heads/main {}\n", new?.trim(), old?.trim());
        Ok(clone)
    }

    fn root(&self) -> PathBuf {
        self.scratch.path().join("clone")
    }

    /// Lets somebody else claim.
    fn claim(&self, scopes: &[String]) -> Result<()> {
        let mut command = self.command(env!("CARGO_BIN_EXE_coord"), &["claim"]);
        command.args(scopes).env("COORD_ENGINEER", "holder").env("COORD_SESSION_ID", "holder");
        finish(command).map(drop)
    }

    fn git(&self, arguments: &[&str]) -> Result<String> {
        finish(self.command("git", arguments))
    }

    /// Runs the hook's command, which must let the push pass.
    fn push(&self) -> Result<()> {
        let mut command = self.command(env!("CARGO_BIN_EXE_coord"), &["pre-push", "origin", "url"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(self.input.as_bytes())?;
        }
        match child.wait()? {
            status if status.success() => Ok(()),
            status => Err(format!("the push was not let pass: {status}").into()),
        }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.scratch.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_NAME"), "bench")))
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_EMAIL"), "bench@example.com")))
            .stdin(Stdio::null());
        if let Some(url) = &self.service {
            command.env("COORD_API_URL", url).env("COORD_AUTH_TOKEN", TOKEN);
        }
        command
    }
}

fn finish(mut command: Command) -> Result<String> {
    match command.output()? {
        output if output.status.success() => Ok(String::from_utf8(output.stdout)?),
        output => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
