//! Where a call works: the clone around the server, or the repository that its settings name, and a way to the coordinator.
//!
//! Looked up anew for each call, which takes a few milliseconds: a token that is changed in `local.env`, another branch or
//! another service counts from the next call on, and several calls at once do not share a connection.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::grants::Grant;
use crate::client::{Client, Embedded, Remote};
use crate::clock::Clock;
use crate::server::ServeConfig;
use crate::wire::{ListQuery, ReleaseRequest};
use crate::workspace::{Env, Identity, Settings, Target, Workspace, WorkspaceError, Worktree, resolve};

/// Where a call works.
pub(super) struct Place {
    pub(super) client: Client,
    /// The repository whose claims are meant.
    pub(super) repo: String,
    /// Who calls, unless they said otherwise.
    pub(super) engineer: String,
    /// The session of this process.
    pub(super) session: String,
    /// The clone, if there is one.
    pub(super) worktree: Option<Worktree>,
}

impl Place {
    /// Looks around a directory. Nothing is asked of a service yet.
    pub(super) fn open(cwd: &Path, env: &Env) -> Result<Place, Failure> {
        match Workspace::open(cwd, env) {
            Ok(workspace) => Place::in_clone(workspace, env),
            Err(WorkspaceError::NotAClone { .. }) => Place::outside(cwd, env),
            Err(error) => Err(error.into()),
        }
    }

    fn in_clone(workspace: Workspace, env: &Env) -> Result<Place, Failure> {
        let client = match remote(&workspace.settings) {
            Some(remote) => Client::Remote(remote),
            None => embedded(&workspace.database_path(), env)?,
        };
        Ok(Place {
            client,
            repo: workspace.repo_id,
            engineer: workspace.identity.engineer,
            session: workspace.identity.session_id,
            worktree: Some(workspace.worktree),
        })
    }

    /// Where there is no clone, a service can be asked about a repository that is named.
    fn outside(cwd: &Path, env: &Env) -> Result<Place, Failure> {
        let settings = Settings::load(cwd, None, env)?;
        let (Some(remote), Some(repo)) = (remote(&settings), &settings.repo_id) else {
            return Err(Failure::Nowhere { directory: cwd.display().to_string() });
        };
        let identity = Identity::outside(cwd, &settings, env);
        Ok(Place {
            client: Client::Remote(remote),
            repo: repo.value.clone(),
            engineer: identity.engineer,
            session: identity.session_id,
            worktree: None,
        })
    }

    /// What an argument means from the root of the clone. Where there is none, the coordinator reads it.
    pub(super) fn target(&self, argument: &str) -> Result<Target, Failure> {
        match &self.worktree {
            Some(worktree) => Ok(resolve(worktree, &worktree.root, argument)?),
            None => Ok(Target { text: argument.into(), literal: false, symbols: Vec::new() }),
        }
    }

    /// A list of what the caller holds here, which keeps the session alive.
    pub(super) fn own(&self) -> ListQuery {
        ListQuery {
            active_only: true,
            engineer: Some(self.engineer.clone()),
            module: None,
            repo: Some(self.repo.clone()),
            session_id: Some(self.session.clone()),
        }
    }

    /// Keeps the session's claims alive, if that can be done now: the call itself tells what is wrong.
    pub(super) fn touch(&mut self) {
        let query = self.own();
        drop(self.client.claims(&query));
    }

    /// Releases what nobody wants. If it cannot be asked now, it runs out by itself.
    pub(super) fn give_back(&mut self, Grant { claim_ids, engineer }: Grant) {
        if !claim_ids.is_empty() {
            drop(self.client.release(&ReleaseRequest { claim_ids, engineer: Some(engineer) }));
        }
    }

    /// The clone's root, if there is one.
    pub(super) fn root(&self) -> Option<&PathBuf> {
        self.worktree.as_ref().map(|worktree| &worktree.root)
    }
}

fn remote(settings: &Settings) -> Option<Remote> {
    let token = settings.token.as_ref().map(|token| token.value.clone());
    settings.service_url.as_ref().map(|url| Remote::new(&url.value, token))
}

fn embedded(database: &Path, env: &Env) -> Result<Client, Failure> {
    let (policy, house) = ServeConfig::decisions(env)?;
    let auto_share = ServeConfig::auto_share(env)?;
    let opened = Embedded::open(database, policy, house.retention, auto_share, Clock::system());
    Ok(Client::Embedded(Box::new(opened?)))
}
