//! `coord demo`: the main job, played for real.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use uuid::Uuid;

use super::error;
use super::output::{self, Style};
use super::{CliError, Done, Exit};
use crate::symbols::{self, Kind, Language, Symbol};
use crate::workspace::{Env, WorkspaceError, Worktree, git_as_typed as git, tracked_files};

/// Watch two engineers meet: a server, a claim, a refusal, a share and a hand-over
///
/// Everything happens for real, in a temporary clone of the repository you stand in, or in a small one made for it. Your own
/// files and claims are not touched, and everything is gone afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  coord demo")]
pub(super) struct DemoArgs {}

pub(super) fn run(_: DemoArgs, _: &Env) -> Done {
    let started = Instant::now();
    let stage = Stage::build()?;
    let (scope, file) = (format!("{}/**", stage.directory), stage.file.as_str());
    let symbol = format!("{file}::{}", stage.symbol);

    scene("Alice takes a directory before she edits it.")?;
    stage.plays("alice", &["claim", &scope, "-m", "a new feature"], 0)?;
    scene(
        "Bob, in another worktree, wants a file in it. He is told who has it, for how long, and what to do.",
    )?;
    stage.plays("bob", &["claim", file], 3)?;
    scene("All he needs is one function. That can be shared: Alice keeps the rest of the file.")?;
    stage.plays("bob", &["claim", &symbol, "-m", "a fix in one place"], 0)?;
    stage.plays("alice", &["claims"], 0)?;
    scene("Alice is done and lets go; now the whole file is Bob's.")?;
    stage.plays("alice", &["release", "--all"], 0)?;
    stage.plays("bob", &["claim", file], 0)?;
    stage.plays("alice", &["check", file], 3)?;
    scene(&format!(
        "That was a real server, a real clone and real claims, in {:.1} s.",
        started.elapsed().as_secs_f32()
    ))?;
    output::note("Now yours: `coord claim PATTERN` in any git clone; nothing has to be started.");
    Ok(Exit::Ok)
}

fn scene(text: &str) -> std::io::Result<()> {
    output::line(&format!("\n{}", Style::Hint.paint(text)))
}

/// A clone with two worktrees, and a service that both of them use.
struct Stage {
    _directory: TempDir,
    service: Service,
    alice: PathBuf,
    bob: PathBuf,
    program: PathBuf,
    directory: String,
    file: String,
    symbol: String,
}

impl Stage {
    fn build() -> Result<Stage, CliError> {
        let directory = tempfile::Builder::new().prefix("coord-demo-").tempdir()?;
        let (alice, bob) = (directory.path().join("alice"), directory.path().join("bob"));
        let prop = match copy_of_here(&alice)? {
            Some(prop) => prop,
            None => made_up(&alice)?,
        };
        output::line(&format!("$ git worktree add --detach {}", quoted(&bob)))?;
        // A branch of its own could meet one of that name.
        git(
            &alice,
            [
                OsStr::new("worktree"),
                "add".as_ref(),
                "--quiet".as_ref(),
                "--detach".as_ref(),
                bob.as_os_str(),
            ],
        )?;
        let program = std::env::current_exe()?;
        let service = Service::start(&program, directory.path())?;
        output::line(&format!("$ coord serve  # at {}", service.url))?;
        Ok(Stage {
            _directory: directory,
            service,
            alice,
            bob,
            program,
            directory: prop.directory,
            file: prop.file,
            symbol: prop.symbol,
        })
    }

    /// Runs a command as one of the two, shows it, and makes sure that it ends as it must.
    fn plays(&self, who: &str, arguments: &[&str], status: i32) -> Result<(), CliError> {
        let place = if who == "alice" { &self.alice } else { &self.bob };
        let shown: Vec<String> = arguments.iter().map(|word| output::quoted(word)).collect();
        output::line(&format!("{} coord {}", Style::Faint.paint(&format!("{who}$")), shown.join(" ")))?;
        let mut command = bare(&self.program);
        command.args(arguments).current_dir(place).env("COORD_ENGINEER", who);
        command.env("COORD_API_URL", &self.service.url).env("COORD_AUTH_TOKEN", &self.service.token);
        if output::on_terminal() {
            command.env("CLICOLOR_FORCE", "1");
        }
        let ended = command.output()?;
        for line in text(&ended).lines() {
            output::line(&format!("    {line}"))?;
        }
        if ended.status.code() == Some(status) {
            return Ok(());
        }
        let what = format!("`coord {}` ended with {}, not {status}", shown.join(" "), ended.status);
        Err(CliError::new(error::Kind::Failed, what))
    }
}

fn text(ended: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
}

fn quoted(path: &Path) -> String {
    output::quoted(&path.display().to_string())
}

/// What the play is about: a directory, and a file in it.
struct Prop {
    directory: String,
    file: String,
    symbol: String,
}

/// Clones the repository that the command runs in, if it has a directory to play with.
fn copy_of_here(to: &Path) -> Result<Option<Prop>, CliError> {
    let here = std::env::current_dir()?;
    let worktree = match Worktree::discover(&here) {
        Ok(Some(worktree)) => worktree,
        Ok(None) | Err(WorkspaceError::BareRepository { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let files = tracked_files(&worktree, None)?;
    let Some(prop) = prop(&worktree.root, &files) else { return Ok(None) };
    if git(&worktree.root, ["rev-parse", "--quiet", "--verify", "HEAD"]).is_err() {
        return Ok(None);
    }
    output::line(&format!("$ git clone {} {}", quoted(&worktree.root), quoted(to)))?;
    git(
        &here,
        [
            OsStr::new("clone"),
            "--quiet".as_ref(),
            "--local".as_ref(),
            worktree.root.as_os_str(),
            to.as_os_str(),
        ],
    )?;
    Ok(to.join(&prop.file).is_file().then_some(prop))
}

/// How the names of source files end.
const CODE: &[&str] =
    &[".rs", ".ts", ".tsx", ".js", ".py", ".go", ".java", ".c", ".cpp", ".rb", ".swift", ".kt"];

/// Files that are looked into for a function.
const FILES_LOOKED_AT: usize = 200;

/// The first source file in a directory that declares a function, and that function. Where none does, one that cannot be
/// compared with anything is taken on trust.
fn prop<'a>(root: &Path, files: &'a [String]) -> Option<Prop> {
    let plain = |file: &&String| file.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let code = |file: &&String| CODE.iter().any(|ending| file.ends_with(ending));
    let inside = || files.iter().filter(|file| file.contains('/')).filter(plain).filter(code);
    let read = |file: &'a String| (file, declared(root, file));
    let looked_at: Vec<(&String, Vec<Symbol>)> = inside().map(read).take(FILES_LOOKED_AT).collect();
    let function = |symbols: &[Symbol]| symbols.iter().find(|symbol| symbol.kind == Kind::Function).cloned();
    let found = looked_at.iter().find_map(|(file, symbols)| Some((*file, function(symbols)?.path)));
    let on_trust =
        |(file, symbols): &(&'a String, Vec<Symbol>)| symbols.is_empty().then(|| (*file, "main".to_owned()));
    let (file, symbol) = found.or_else(|| looked_at.iter().find_map(on_trust))?;
    let (directory, _) = file.rsplit_once('/')?;
    Some(Prop { directory: directory.into(), file: file.clone(), symbol })
}

/// The symbols of a file, none if it is in no known language.
fn declared(root: &Path, file: &str) -> Vec<Symbol> {
    let known = Language::of(file).and_then(|_| std::fs::read(root.join(file)).ok());
    known.and_then(|source| symbols::extract(file, &source).ok()).unwrap_or_default()
}

/// Makes a small repository.
fn made_up(at: &Path) -> Result<Prop, CliError> {
    // A clone that turned out unusable may lie there.
    if at.exists() {
        std::fs::remove_dir_all(at)?;
    }
    std::fs::create_dir_all(at.join("src/auth"))?;
    std::fs::write(
        at.join("src/auth/login.ts"),
        "export function handleLogin() {}\nexport function handleLogout() {}\n",
    )?;
    output::line(&format!("$ git init {}", quoted(at)))?;
    git(at, ["init", "--quiet", "-b", "main"])?;
    git(at, ["add", "."])?;
    git(
        at,
        [
            "-c",
            "user.name=coord",
            "-c",
            "user.email=coord@example.invalid",
            "commit",
            "--quiet",
            "-m",
            "start",
        ],
    )?;
    Ok(Prop { directory: "src/auth".into(), file: "src/auth/login.ts".into(), symbol: "handleLogout".into() })
}

/// A command that knows nothing of how coord and git are set up around here.
fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("COORD_") || name.starts_with("GIT_") {
            command.env_remove(&*name);
        }
    }
    command
}

/// A service that ends with the play.
struct Service {
    process: Child,
    url: String,
    token: String,
}

impl Service {
    fn start(program: &Path, directory: &Path) -> Result<Service, CliError> {
        let token = Uuid::new_v4().simple().to_string();
        let mut process = bare(program)
            .args(["serve", "--port", "0"])
            .env("COORD_AUTH_TOKEN", &token)
            .env("COORD_DATABASE_PATH", directory.join("coord.db"))
            .env("COORD_LOG_LEVEL", "warning")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut first = String::new();
        said.read_line(&mut first)?;
        let url = first.split_whitespace().find(|word| word.starts_with("http://")).map(String::from);
        let service = Service { process, url: url.clone().unwrap_or_default(), token };
        // What it says later is read, so that it never waits for a reader, and shown to nobody.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        match url {
            Some(_) => Ok(service),
            None => Err(CliError::new(
                error::Kind::Failed,
                format!("the service did not start: {}", first.trim()),
            )),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            // If it has ended already there is nothing to end.
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.process.wait();
    }
}
