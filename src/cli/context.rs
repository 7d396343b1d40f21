//! What a command that works in a clone starts from: the clone, who is asking, and a way to the coordinator.

use std::path::PathBuf;
use std::time::Duration;

use super::error::Kind;
use super::{CliError, output};
use crate::client::{Client, Embedded, Remote};
use crate::clock::{self, Clock};
use crate::engine::Timestamp;
use crate::server::ServeConfig;
use crate::wire::{CheckRequest, ListQuery};
use crate::workspace::{Env, Settings, Target, Workspace, live_sessions, resolve};

/// A clone and the coordinator that its claims are kept by.
pub(super) struct Context {
    pub(super) workspace: Workspace,
    pub(super) client: Client,
    cwd: PathBuf,
}

impl Context {
    /// Looks around where the command runs. Nothing is asked of a service yet.
    pub(super) fn open(env: &Env) -> Result<Context, CliError> {
        let cwd = std::env::current_dir().map_err(|error| CliError::new(Kind::Failed, error))?;
        Context::open_at(cwd, env)
    }

    /// Looks around a directory.
    pub(super) fn open_at(cwd: PathBuf, env: &Env) -> Result<Context, CliError> {
        let context = Context::of(Workspace::open(&cwd, env)?, cwd, env)?;
        if let Some(why) = &context.workspace.identity.session_not_kept {
            output::warn(&format!("this worktree's session could not be kept: {why}"));
        }
        Ok(context)
    }

    /// Looks around a directory in a hurry: git is asked only where it has to be, and a service gets no longer than this to
    /// answer. Nothing is said.
    pub(super) fn open_hurried(cwd: PathBuf, env: &Env, patience: Duration) -> Result<Context, CliError> {
        let workspace = Workspace::open_at_a_glance(&cwd, env)?;
        Ok(Context::of(workspace, cwd, env)?.hurried(patience))
    }

    /// The same where nothing is to be written; `None` where nothing has been claimed yet.
    pub(super) fn open_quietly(
        cwd: PathBuf,
        env: &Env,
        patience: Duration,
    ) -> Result<Option<Context>, CliError> {
        let workspace = Workspace::open_at_a_glance(&cwd, env)?;
        if workspace.settings.service_url.is_none() && !workspace.database_path().is_file() {
            return Ok(None);
        }
        Ok(Some(Context::of(workspace, cwd, env)?.hurried(patience)))
    }

    fn hurried(mut self, patience: Duration) -> Context {
        if let Client::Remote(remote) = self.client {
            self.client = Client::Remote(remote.hurried(patience));
        }
        self
    }

    fn of(workspace: Workspace, cwd: PathBuf, env: &Env) -> Result<Context, CliError> {
        let client = match &workspace.settings.service_url {
            Some(url) => {
                let token = workspace.settings.token.as_ref().map(|token| token.value.clone());
                Client::Remote(Remote::new(&url.value, token))
            }
            None => {
                let (policy, house) = ServeConfig::decisions(env)?;
                let database = workspace.database_path();
                Client::Embedded(Box::new(Embedded::open(
                    &database,
                    policy,
                    house.retention,
                    ServeConfig::auto_share(env)?,
                    Clock::system(),
                )?))
            }
        };
        Ok(Context { workspace, client, cwd })
    }

    /// Who asks in a check: this engineer, with the session of this worktree and those of agents that run in it.
    pub(super) fn asker(&self) -> CheckRequest {
        let mut session_ids = vec![self.session().to_owned()];
        session_ids.extend(live_sessions(&self.workspace.worktree.root));
        CheckRequest {
            engineer: self.engineer().into(),
            repo: Some(self.workspace.repo_id.clone()),
            session_ids,
            ..CheckRequest::default()
        }
    }

    /// What an argument means from where the command runs.
    pub(super) fn target(&self, argument: &str) -> Result<Target, CliError> {
        Ok(resolve(&self.workspace.worktree, &self.cwd, argument)?)
    }

    /// Who asks.
    pub(super) fn engineer(&self) -> &str {
        &self.workspace.identity.engineer
    }

    /// An engineer as a table shows them, who may be the one who asks.
    pub(super) fn who(&self, engineer: &str) -> String {
        if engineer == self.engineer() { format!("{engineer} (you)") } else { engineer.into() }
    }

    /// The session of this worktree.
    pub(super) fn session(&self) -> &str {
        &self.workspace.identity.session_id
    }

    /// A list of this repository's active claims, which keeps those of this worktree alive.
    pub(super) fn query(&self) -> ListQuery {
        ListQuery {
            active_only: true,
            engineer: None,
            module: None,
            repo: Some(self.workspace.repo_id.clone()),
            session_id: Some(self.session().into()),
        }
    }
}

/// The way to the coordinator for a command that needs no clone, where a service is configured.
pub(super) fn client_anywhere(env: &Env, why: &str) -> Result<Client, CliError> {
    match Context::open(env) {
        Ok(context) => Ok(context.client),
        Err(error) if error.is_not_a_clone() => match configured_service(env)? {
            Some(remote) => Ok(Client::Remote(remote)),
            None => Err(error.hint(format!("set COORD_API_URL to {why} from anywhere"))),
        },
        Err(error) => Err(error),
    }
}

/// The service that is configured where the command runs, clone or not.
pub(super) fn configured_service(env: &Env) -> Result<Option<Remote>, CliError> {
    let settings = Settings::load(&std::env::current_dir()?, None, env)?;
    let token = settings.token.map(|token| token.value);
    Ok(settings.service_url.map(|url| Remote::new(&url.value, token)))
}

/// The time of day.
pub(super) fn now() -> Timestamp {
    clock::now()
}
