//! Everything about the clone a command runs in: where it is, what configures it, who is asking, and what a typed
//! path means there.
//!
//! Opened once per command by [`Workspace::open`], on the way to everything else, so it has to cost a few
//! milliseconds: two concurrent `git` processes and a handful of small files.
//!
//! Nothing here prints, and the process environment is read in one place, [`Env::from_process`]; everything else is
//! handed an [`Env`]. (The `git` processes inherit the environment, as they must: inside a hook it tells them where
//! they are.) Secrets live in a [`Token`], which no `Debug` or error message shows.
//!
//! | file | job |
//! |---|---|
//! | `env` | the environment as a value |
//! | `git` | what `git` says about this work tree |
//! | `repo_id` | the name claims of one codebase meet under |
//! | `setting`, `settings` | values with their source; which of several sources wins |
//! | `local_env`, `config_file` | the two files under `.coordination/` |
//! | `trust` | which files may configure a command, and which may say where a token goes |
//! | `service_url` | which service addresses are acceptable |
//! | `identity` | engineer, session and tool |
//! | `paths` | from what a person typed to a pattern from the repository root |
//! | `delta`, `patch` | what a push, a range or the index changes: files, and lines of them |
//! | `touched` | which symbols changed lines belong to |
//! | `edit` | which file and symbols an edit that is about to be made touches |
//! | `glance` | the work tree without asking git, where that is plain |
//! | `sessions` | the agents that run in a worktree |
//! | `worktrees` | adding worktrees to the clone, listing and removing them |
//! | `process` | the one place that starts git |

mod config_file;
mod delta;
mod edit;
mod env;
mod error;
mod files;
mod git;
mod glance;
mod identity;
mod local_env;
mod patch;
mod paths;
mod process;
mod repo_id;
mod service_url;
mod sessions;
mod setting;
mod settings;
#[cfg(test)]
mod testing;
mod touched;
mod trust;
mod worktrees;

use std::path::{Path, PathBuf};

pub use config_file::{ConfigFile, Mode};
pub use delta::{Change, Delta, LineChanges, RefUpdate};
pub use edit::{Edited, Stretch, edited_file};
pub use env::Env;
pub use error::WorkspaceError;
pub use git::{Worktree, changed_files, git_as_typed, hooks_directory, is_ignored, tracked_files};
pub use identity::{Identity, new_session};
pub use local_env::LocalEnv;
pub use paths::{Target, resolve};
pub use repo_id::repo_id;
pub use service_url::{is_loopback, usable_service_url};
pub use sessions::{NotedSession, forget_ended_sessions, live_sessions, noted_sessions};
pub use setting::{Setting, Source, Token};
pub use settings::{Settings, ownership_file};
pub use touched::Touched;
pub use trust::is_tracked;
pub use worktrees::{Listed, add_worktree, remove_worktree, worktrees};

/// The clone a command runs in, with what configures it and who is asking.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Where git says we are.
    pub worktree: Worktree,
    /// What the environment and the `.coordination` files say.
    pub settings: Settings,
    /// Who is asking.
    pub identity: Identity,
    /// The room claims from this clone meet in; see [`Workspace::repo_id_source`] for where it comes from.
    pub repo_id: String,
}

impl Workspace {
    /// Opens the clone around `cwd`.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::NotAClone`] outside a git work tree; otherwise whatever is wrong with git, with a
    /// `.coordination` file or with a configured value. Nothing malformed is skipped over.
    pub fn open(cwd: &Path, env: &Env) -> Result<Workspace, WorkspaceError> {
        let worktree =
            Worktree::discover(cwd)?.ok_or_else(|| WorkspaceError::NotAClone { path: cwd.to_owned() })?;
        Workspace::of(worktree, cwd, env)
    }

    /// The same with as few `git` processes as can be: none in a plain clone that is set up.
    ///
    /// # Errors
    ///
    /// As for [`Workspace::open`].
    pub fn open_at_a_glance(cwd: &Path, env: &Env) -> Result<Workspace, WorkspaceError> {
        let Some(worktree) = glance::glance(cwd, env) else { return Workspace::open(cwd, env) };
        let mut workspace = Workspace::of(worktree, cwd, env)?;
        if workspace.settings.repo_id.is_none() {
            workspace.worktree.origin = git::origin(&workspace.worktree)?;
            let (origin, common_dir) = (&workspace.worktree.origin, &workspace.worktree.common_dir);
            workspace.repo_id = repo_id(origin.as_deref(), common_dir);
        }
        Ok(workspace)
    }

    fn of(worktree: Worktree, cwd: &Path, env: &Env) -> Result<Workspace, WorkspaceError> {
        let settings = Settings::load(cwd, Some(&worktree), env)?;
        let identity = Identity::resolve(&worktree, &settings, env)?;
        let repo_id = match &settings.repo_id {
            Some(setting) => setting.value.clone(),
            None => repo_id(worktree.origin.as_deref(), &worktree.common_dir),
        };
        Ok(Workspace { worktree, settings, identity, repo_id })
    }

    /// Where [`Workspace::repo_id`] comes from: a setting, or git when nothing configures it.
    pub fn repo_id_source(&self) -> Source {
        self.settings.repo_id.as_ref().map_or(Source::Git, |setting| setting.source.clone())
    }

    /// The embedded coordinator's database: one per clone, shared by all its worktrees.
    pub fn database_path(&self) -> PathBuf {
        self.worktree.common_dir.join("coord").join("coord.db")
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Sandbox;
    use super::*;

    #[test]
    fn worktrees_of_one_clone_share_database_and_room_but_not_identity() {
        let sandbox = Sandbox::new();
        let main = sandbox.clone_with_commit("app");
        sandbox.git(&main, &["worktree", "add", "-q", "-b", "feature", "../review"]);
        let env = sandbox.env(&[("USER", "ada")]);

        let here = Workspace::open(&main, &env).unwrap();
        let there = Workspace::open(&sandbox.path("review"), &env).unwrap();

        assert_eq!((here.repo_id.as_str(), there.repo_id.as_str()), ("app", "app"));
        assert_eq!(here.repo_id_source(), Source::Git);
        assert_eq!(here.database_path(), main.join(".git/coord/coord.db"));
        assert_eq!(here.database_path(), there.database_path());
        assert_eq!(here.identity.engineer, "ada/cli/main");
        assert_eq!(there.identity.engineer, "ada/cli/review");
        assert_ne!(here.identity.session_id, there.identity.session_id);
    }

    #[test]
    fn configured_repo_id_wins_over_origin() {
        let sandbox = Sandbox::new();
        let main = sandbox.clone_with_commit("app");
        sandbox.git(&main, &["remote", "add", "origin", "git@example.org:team/web.git"]);

        let derived = Workspace::open(&main, &sandbox.env(&[])).unwrap();
        assert_eq!(derived.repo_id, "team/web");

        let configured = Workspace::open(&main, &sandbox.env(&[("COORD_REPO_ID", "team/other")])).unwrap();
        assert_eq!(configured.repo_id, "team/other");
        assert_eq!(configured.repo_id_source(), Source::Environment("COORD_REPO_ID"));
    }

    #[test]
    fn outside_a_clone_says_so_and_what_to_do() {
        let sandbox = Sandbox::new();
        let error = Workspace::open(&sandbox.path(""), &sandbox.env(&[])).unwrap_err();
        assert!(matches!(error, WorkspaceError::NotAClone { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("git init"));
    }
}
