//! What `init`, `upgrade`, `uninit` and `doctor` share: which directory they are about, what it is set up as, and how
//! changes of files are told.

use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::error::Kind;
use super::local_service::{Home, Recorded as Listening};
use super::output::{self, Style};
use super::{CliError, Exit};
use crate::setup::{Change, DIRECTORY, PLACEHOLDER_URL, Plan, Recorded, Service, Setup, State};
use crate::workspace::{
    ConfigFile, Env, LocalEnv, Mode, Settings, Token, WorkspaceError, Worktree, is_ignored, is_loopback,
    repo_id,
};

/// The directory that is set up, or is to be.
pub(super) struct Ground {
    pub(super) worktree: Worktree,
    pub(super) root: PathBuf,
}

impl Ground {
    /// The directory that was named, else the nearest above that is set up, else the root of the work tree.
    pub(super) fn find(named: Option<&Path>) -> Result<Ground, CliError> {
        let start = named.map_or_else(std::env::current_dir, |path| path.canonicalize());
        let start = start.map_err(|error| match named {
            Some(path) => CliError::new(Kind::Usage, format!("cannot use {}: {error}", path.display())),
            None => error.into(),
        })?;
        let worktree =
            Worktree::discover(&start)?.ok_or(WorkspaceError::NotAClone { path: start.clone() })?;
        if named.is_some() {
            return Ok(Ground { worktree, root: start });
        }
        let mut above = start.ancestors().take_while(|path| path.starts_with(&worktree.root));
        let root = above.find(|path| is_set_up(path)).map_or_else(|| worktree.root.clone(), Path::to_owned);
        Ok(Ground { worktree, root })
    }

    /// The same; for a worktree that was not set up itself the main one, if that was.
    pub(super) fn find_set_up(named: Option<&Path>) -> Result<Ground, CliError> {
        let ground = Ground::find(named)?;
        let main = ground.worktree.common_dir.parent().filter(|main| is_set_up(main));
        match main {
            Some(main) if ground.worktree.is_linked && !is_set_up(&ground.root) => {
                output::note(&format!("this worktree goes by what is set up in {}", main.display()));
                Ground::find(Some(main))
            }
            _ => Ok(ground),
        }
    }

    /// Whether this directory has not been set up yet.
    pub(super) fn is_new(&self) -> bool {
        !is_set_up(&self.root)
    }

    pub(super) fn settings(&self, env: &Env) -> Result<Settings, WorkspaceError> {
        Settings::load(&self.root, Some(&self.worktree), env)
    }

    /// How claims are kept here by what is recorded, or else by what is configured.
    pub(super) fn mode(&self, settings: Option<&Settings>) -> Result<Mode, CliError> {
        let path = self.root.join(DIRECTORY).join("config.toml");
        if path.is_file()
            && let Some(mode) = ConfigFile::read(&path)?.mode
        {
            return Ok(mode);
        }
        let url = settings.and_then(|settings| settings.service_url.as_ref());
        Ok(match url {
            None => Mode::Embedded,
            Some(url) if is_loopback(&url.value) => Mode::Local,
            Some(_) => Mode::Remote,
        })
    }

    /// The service of a mode, at this address or the one that is configured; `None` if there is none.
    pub(super) fn service(
        &self,
        mode: Mode,
        named: Option<&str>,
        settings: Option<&Settings>,
        env: &Env,
    ) -> Result<Option<Service>, CliError> {
        if mode == Mode::Embedded {
            return Ok(Some(Service { mode, url: None, token: None }));
        }
        let home = Home::new(Settings::home(&self.root, env));
        let configured = settings.and_then(|settings| Some(settings.service_url.as_ref()?.value.clone()));
        let configured = configured.filter(|url| mode == Mode::Remote || is_loopback(url));
        let url = match (named.map(String::from).or(configured), mode) {
            (Some(url), _) => url,
            (None, Mode::Local) => running(&home).unwrap_or_else(|| PLACEHOLDER_URL.to_owned()),
            (None, _) => return Ok(None),
        };
        let own = fs::read_to_string(home.token_file()).ok().and_then(|text| Token::new(&text));
        let kept = || self.kept_token(env);
        let token = match mode {
            Mode::Local if is_loopback(&url) => own.or_else(kept),
            _ => kept(),
        };
        Ok(Some(Service { mode, url: Some(url), token }))
    }

    /// The token of the environment or of `local.env`.
    fn kept_token(&self, env: &Env) -> Option<Token> {
        let local = LocalEnv::read(&self.root.join(DIRECTORY).join("local.env")).ok();
        let keys = ["COORD_AUTH_TOKEN", "COORD_TOKEN"];
        let of_env = keys.iter().find_map(|key| env.get(key).filter(|value| is_real(value)));
        let of_file = || keys.iter().find_map(|key| local.as_ref()?.get(key).filter(|value| is_real(value)));
        of_env.or_else(of_file).and_then(Token::new)
    }

    /// What the directory has been set up as; `None` if it has not.
    pub(super) fn recorded(&self, env: &Env) -> Result<Option<Setup>, CliError> {
        let Some(recorded) = Setup::recorded(&self.root)? else { return Ok(None) };
        let settings = self.settings(env)?;
        let mode = self.mode(Some(&settings))?;
        let service = self.service(mode, None, Some(&settings), env)?;
        let service = service.unwrap_or(Service { mode, url: None, token: None });
        Ok(Some(self.setup(recorded, service, Some(&settings), env)))
    }

    /// A setup of this directory that leaves ownership rules alone.
    pub(super) fn setup(
        &self,
        wanted: Recorded,
        service: Service,
        settings: Option<&Settings>,
        env: &Env,
    ) -> Setup {
        let configured = settings.and_then(|settings| Some(settings.repo_id.as_ref()?.value.clone()));
        let derived = || repo_id(self.worktree.origin.as_deref(), &self.worktree.common_dir);
        let repo_id = configured.unwrap_or_else(derived);
        let program = if on_path("coord", env).is_some() { None } else { std::env::current_exe().ok() };
        let (worktree, root) = (self.worktree.clone(), self.root.clone());
        let Recorded { tools, hook, guard } = wanted;
        Setup { worktree, root, tools, service, repo_id, hook, guard, owners: false, force: false, program }
    }

    /// A path as it is told: from the directory that is set up, where it is in it.
    pub(super) fn shown(&self, path: &Path) -> String {
        output::clean(&path.strip_prefix(&self.root).unwrap_or(path).display().to_string())
    }

    /// Says what will be written.
    pub(super) fn announce(&self, plan: &Plan, what: &str) {
        output::note(&format!("{what} {}:", self.root.display()));
        for change in &plan.changes {
            output::note(&format!("  {:<9} {}", change.state.word(), self.what(change)));
        }
    }

    /// Tells what was written, and what is left to do.
    pub(super) fn tell(&self, plan: &Plan) -> Result<(), CliError> {
        for change in &plan.changes {
            output::line(&self.row(change))?;
        }
        for note in &plan.notes {
            output::note(note);
        }
        Ok(())
    }

    fn row(&self, change: &Change) -> String {
        let style = if change.state == State::Unchanged { Style::Faint } else { Style::Good };
        format!("{} {}", style.paint(&format!("{:<9}", change.state.word())), self.what(change))
    }

    /// The file of a change, and what it will be called.
    fn what(&self, change: &Change) -> String {
        let to = change.renamed_to().map(|to| format!(" to {}", self.shown(to))).unwrap_or_default();
        format!("{}{to}", self.shown(&change.path))
    }

    /// The files that were written and that git is to have, as they are typed.
    pub(super) fn committed(&self, plan: &Plan) -> Vec<String> {
        let own = self.root.join(DIRECTORY);
        let is_private = |path: &Path| {
            path.starts_with(&own)
                || path.starts_with(&self.worktree.common_dir)
                || is_ignored(&self.worktree, path).unwrap_or_default()
        };
        let written =
            plan.changes.iter().filter(|change| matches!(change.state, State::New | State::Changed));
        let committed = written.filter(|change| !is_private(&change.path));
        committed.map(|change| output::quoted(&self.shown(&change.path))).collect()
    }

    /// Makes the changes, and tells what was done.
    pub(super) fn apply(&self, plan: &Plan, json: bool) -> Result<(), CliError> {
        plan.apply()?;
        if json { Ok(output::json(&self.as_json(plan))?) } else { self.tell(plan) }
    }

    /// The changes as JSON.
    pub(super) fn as_json(&self, plan: &Plan) -> serde_json::Value {
        let files = plan.changes.iter().map(|change| {
            json!({
                "path": self.shown(&change.path),
                "state": change.state,
                "to": change.renamed_to().map(|to| self.shown(to)),
            })
        });
        json!({
            "root": self.root,
            "files": files.collect::<Vec<_>>(),
            "notes": plan.notes,
        })
    }
}

fn is_set_up(directory: &Path) -> bool {
    directory.join(DIRECTORY).join("config.toml").is_file()
}

fn is_real(token: &str) -> bool {
    !["set-me", "REPLACE_ME"].contains(&token.trim())
}

/// Where the service of this machine listens, if it runs.
fn running(home: &Home) -> Option<String> {
    match home.recorded() {
        Ok(Listening::Alive(running)) => Some(running.url).filter(|url| !url.is_empty()),
        _ => None,
    }
}

/// Where `PATH` has a program.
pub(super) fn on_path(program: &str, env: &Env) -> Option<PathBuf> {
    let directories = env.get("PATH").unwrap_or_default().split(':').filter(|part| !part.is_empty());
    directories.map(|directory| Path::new(directory).join(program)).find(|path| is_executable(path))
}

/// Whether a file is a program.
pub(super) fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether there is somebody to ask.
pub(super) fn is_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line; an empty one, or the end of the input, means `default`. Three questions are no reason for a crate
/// that draws menus, and a plain line works in every terminal.
pub(super) fn ask(question: &str, default: &str) -> Result<String, CliError> {
    let mut stderr = anstream::stderr();
    let default_shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    write!(stderr, "{question}{default_shown} ").and_then(|()| stderr.flush())?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let line = line.trim();
    Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
}

/// Asks whether to go on.
pub(super) fn confirm(question: &str, default: bool) -> Result<bool, CliError> {
    let answer = ask(question, if default { "Y/n" } else { "y/N" })?;
    Ok(match answer.to_ascii_lowercase().as_str() {
        "y/n" => default,
        "y" | "yes" => true,
        _ => false,
    })
}

/// What it came to when somebody said no.
pub(super) fn declined() -> Exit {
    output::note("nothing was changed");
    Exit::Ok
}
