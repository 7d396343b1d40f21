//! How long one command takes, from its start to its end: the real binary, in a real clone.
//!
//! `cargo bench --bench cli`; after `--` come `--quick` for a smoke run, and parts of names to run only those. Every row
//! is bounded in time and count. A target that is missed is shown, and fails nothing.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use support::{Result, Scratch, Service, TOKEN};

/// Files in the clone.
const FILES: usize = 2000;

/// Of which somebody else claims so many.
const ACTIVE: usize = 1000;

/// How long one row may take.
const BOUND: Duration = Duration::from_secs(15);

/// A clone with files in it, and what commands see of the environment.
struct Clone {
    scratch: Scratch,
    service: Option<String>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs = if arguments.iter().any(|argument| argument == "--quick") { 20 } else { 500 };
    let parts: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()));
    println!("whole processes, in a clone of {FILES} files with {ACTIVE} active claims of somebody else");
    println!("{:<28} {:>6} {:>8} {:>8} {:>8} {:>8}", "", "runs", "min ms", "p50 ms", "target", "p99 ms");
    let embedded = Clone::new(None)?;
    let service = Service::start()?;
    let served = Clone::new(Some(format!("http://{}", service.address())))?;
    let row = |name: &str, target: Option<f64>, command: &dyn Fn(usize) -> Command, after: Option<&Clone>| {
        if wanted(name) { measure(name, target, runs, command, after) } else { Ok(()) }
    };
    row("true", None, &|_| embedded.command("/bin/true", &[]), None)?;
    row("git rev-parse", None, &|_| embedded.command("git", &["rev-parse", "--git-common-dir"]), None)?;
    row("coord --version", Some(2.0), &|_| embedded.coord(&["--version"]), None)?;
    row("coord check, embedded", None, &|run| embedded.coord(&["check", &free(run)]), None)?;
    row("coord claim, embedded", Some(15.0), &|run| embedded.coord(&["claim", &free(run)]), Some(&embedded))?;
    row("coord check, over HTTP", None, &|run| served.coord(&["check", &free(run)]), None)?;
    row("coord claim, over HTTP", Some(5.0), &|run| served.coord(&["claim", &free(run)]), Some(&served))?;
    for (clone, how) in [(&embedded, "embedded"), (&served, "over HTTP")] {
        row(&format!("first edit, {how}"), Some(10.0), &|run| clone.hook(ACTIVE + run), None)?;
        row(&format!("same edit again, {how}"), Some(10.0), &|_| clone.hook(ACTIVE), None)?;
        row(&format!("completed claims, {how}"), Some(10.0), &|_| clone.completion(&["request", ""]), None)?;
        row(&format!("completed options, {how}"), Some(10.0), &|_| clone.completion(&["claim", "--"]), None)?;
    }
    println!(
        "each claim is released again, which is not in its time; edits are what `coord hook claude-code` adds to one;\n\
         completed claims are the answer of {ACTIVE} after `coord request <TAB>`"
    );
    Ok(())
}

/// A file that nobody else claims.
fn free(run: usize) -> String {
    file(ACTIVE + run % (FILES - ACTIVE))
}

fn file(number: usize) -> String {
    format!("src/unit-{}/file{number}.ts", number % 50)
}

fn measure(
    name: &str,
    target: Option<f64>,
    runs: usize,
    command: &dyn Fn(usize) -> Command,
    after: Option<&Clone>,
) -> Result<()> {
    let mut times = Histogram::<u64>::new(3)?;
    let begun = Instant::now();
    for run in 0..runs {
        let mut command = command(run);
        let start = Instant::now();
        let status = command.status()?;
        times.record(start.elapsed().as_micros() as u64)?;
        if !status.success() {
            return Err(format!("{name}: {status}: {command:?}").into());
        }
        if let Some(clone) = after {
            finish(clone.coord(&["release", "--session"]))?;
        }
        if begun.elapsed() > BOUND {
            break;
        }
    }
    let ms = |us: u64| us as f64 / 1e3;
    let target = target.map(|target| format!("<{target:.0}")).unwrap_or_default();
    let (count, least) = (times.len(), ms(times.min()));
    let (p50, p99) = (ms(times.value_at_quantile(0.5)), ms(times.value_at_quantile(0.99)));
    println!("{name:<28} {count:>6} {least:>8.2} {p50:>8.2} {target:>8} {p99:>8.2}");
    Ok(())
}

impl Clone {
    /// Makes a clone, and lets somebody else claim in it.
    fn new(service: Option<String>) -> Result<Clone> {
        let name = if service.is_some() { "served" } else { "embedded" };
        let clone = Clone { scratch: Scratch::new(name)?, service };
        let root = clone.root();
        for number in 0..FILES {
            let path = root.join(file(number));
            fs::create_dir_all(path.parent().unwrap_or(&root))?;
            fs::write(path, format!("export const file = {number};\n"))?;
        }
        let steps = [
            &["init", "--quiet"][..],
            &["config", "user.name", "bench"],
            &["remote", "add", "origin", "https://git.example/bench.git"],
            &["add", "."],
            &["commit", "--quiet", "-m", "Files"],
        ];
        for arguments in steps {
            finish(clone.command("git", arguments))?;
        }
        let files: Vec<String> = (0..ACTIVE).map(file).collect();
        let claim: Vec<&str> = ["claim"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let mut command = clone.coord(&claim);
        finish_with(command.env("COORD_ENGINEER", "holder").env("COORD_SESSION_ID", "holder"))?;
        Ok(clone)
    }

    fn root(&self) -> std::path::PathBuf {
        self.scratch.path().join("clone")
    }

    fn coord(&self, arguments: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_coord"), arguments)
    }

    /// The hook as Claude Code runs it before an edit of a file, in a clone that is set up.
    fn hook(&self, number: usize) -> Command {
        let root = self.root();
        let path = root.join(file(number));
        let event = self.scratch.path().join("event.json");
        let (cwd, path) = (root.display(), path.display());
        let sent = format!(
            r#"{{"session_id":"bench","cwd":"{cwd}","hook_event_name":"PreToolUse","tool_name":"Edit",
                "tool_input":{{"file_path":"{path}","old_string":"export const","new_string":"const"}}}}"#
        );
        let mut command = self.coord(&["hook", "claude-code"]);
        command.env("COORD_REPO_ID", "bench");
        if let Ok(input) = fs::write(&event, sent).and_then(|()| fs::File::open(&event)) {
            command.stdin(input);
        }
        command
    }

    /// What a shell asks when a word is to be completed.
    fn completion(&self, words: &[&str]) -> Command {
        let mut command = self.coord(&["--", "coord"]);
        command
            .args(words)
            .env("COORD_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        command
    }

    fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.scratch.path())
            .env("USER", "ada")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_NAME"), "bench")))
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_EMAIL"), "bench@example.com")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(url) = &self.service {
            command.env("COORD_API_URL", url).env("COORD_AUTH_TOKEN", TOKEN);
        }
        command
    }
}

fn finish(mut command: Command) -> Result<()> {
    finish_with(&mut command)
}

fn finish_with(command: &mut Command) -> Result<()> {
    match command.output()? {
        output if output.status.success() => Ok(()),
        output => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
