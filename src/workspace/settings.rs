//! What configures the client, and which of several sources wins.
//!
//! For each key, in this order:
//!
//! 1. the process environment, unless it holds a placeholder;
//! 2. `.coordination/local.env`;
//! 3. a placeholder from the environment, where it is a usable value (the address `coord start` serves on);
//! 4. `.coordination/config.toml`.
//!
//! Placeholders are what committed tool configurations carry, so that a clone's own values can take their place. The
//! rule and the first of them come from 0.27.1. A token or repository id that is a placeholder counts as not set:
//! the one would be refused, the other would put strangers into one room.
//!
//! Each file is the first of its name walking up from the current directory. When the top of the work tree is
//! reached without one, a linked worktree looks beside the main one before going further up. A file that somebody else
//! may have written is an error.
//!
//! A committed file is whatever its last author wrote, so it cannot have a token sent anywhere: one from the environment
//! or from `local.env` goes to an address from the environment or from a file that git does not track.

use std::path::{Component, Path, PathBuf};

use super::config_file::{ConfigFile, Mode};
use super::local_env::LocalEnv;
use super::{Env, Setting, Source, Token, WorkspaceError, Worktree, files, service_url, trust};

/// Where `coord start` serves, and so what `mode = "local"` means when no address is given.
const LOCAL_SERVICE_URL: &str = "http://127.0.0.1:8080";

/// Where ownership rules are unless `config.toml` says otherwise.
const OWNERSHIP_FILE: &str = ".coordination/owners.yaml";

/// Values of committed templates that mean nothing by themselves. [`LOCAL_SERVICE_URL`] is a placeholder too, but one
/// that works.
const EMPTY_PLACEHOLDERS: &[&str] = &["set-me", "example-org/example-repo", "REPLACE_ME"];

/// The variables that name the service, the second an alias from 0.27.1.
const URL_KEYS: &[&str] = &["COORD_API_URL", "COORD_SERVICE_URL"];

/// The variables that hold the token, the second an alias from 0.27.1.
const TOKEN_KEYS: &[&str] = &["COORD_AUTH_TOKEN", "COORD_TOKEN"];

/// What configures the client. `None` means that nothing does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service to talk to, without a slash at the end; `None` for the embedded coordinator.
    pub service_url: Option<Setting<String>>,
    /// The token to send it.
    pub token: Option<Setting<Token>>,
    /// The room to claim in, where it is not to be derived from the clone.
    pub repo_id: Option<Setting<String>>,
    /// The session to claim as, where it is not to be this worktree's own.
    pub session_id: Option<Setting<String>>,
    /// The engineer to claim as (`COORD_ENGINEER`), where it is not to be put together.
    pub engineer: Option<Setting<String>>,
    /// The first part of an engineer that is put together (`COORD_USER`).
    pub user: Option<Setting<String>>,
    /// Where `coord start` keeps its state: `COORD_HOME`, or `.coord` in the home directory. Need not exist.
    pub home: PathBuf,
}

impl Settings {
    /// Gathers the settings that hold in `cwd`; `worktree` is the one around it, if any.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, parsed or trusted, an unusable address or token, a token that would go where a committed
    /// file says, or `mode = "remote"` without an address.
    pub fn load(cwd: &Path, worktree: Option<&Worktree>, env: &Env) -> Result<Settings, WorkspaceError> {
        let real_cwd = cwd
            .canonicalize()
            .map_err(|source| WorkspaceError::Directory { path: cwd.to_owned(), source })?;
        let local = find(&real_cwd, worktree, "local.env")?.map(|path| LocalEnv::read(&path)).transpose()?;
        let config = match find(&real_cwd, worktree, "config.toml")? {
            Some(path) => Some((ConfigFile::read(&path)?, path)),
            None => None,
        };
        let sources = Sources { env, local, config };
        let home = Settings::home(&real_cwd, env);
        let service_url = sources.service_url()?;
        let token = sources.token(service_url.as_ref(), &home)?;
        if let (Some(token), Some(url)) = (&token, &service_url) {
            keep_from_strangers(&token.source, &url.source, worktree)?;
        }
        Ok(Settings {
            token,
            service_url,
            repo_id: sources.named(&["COORD_REPO_ID"]).or_else(|| sources.configured_repo_id()),
            session_id: sources.named(&["COORD_SESSION_ID"]),
            engineer: sources.named(&["COORD_ENGINEER"]),
            user: sources.named(&["COORD_USER"]),
            home,
        })
    }

    /// `COORD_HOME`, else `.coord` in the home directory, which is `/` for a user that has none. No file decides it.
    #[must_use]
    pub fn home(cwd: &Path, env: &Env) -> PathBuf {
        match env.get("COORD_HOME") {
            Some(home) => cwd.join(home),
            None => Path::new(env.first(&["HOME", "USERPROFILE"]).unwrap_or("/")).join(".coord"),
        }
    }
}

/// Where the ownership rules of a clone are: where `config.toml` says, else in `.coordination` at the top of the work tree.
/// The file need not exist. What `config.toml` says may be anybody's word, so it never leads out of the directory that
/// `.coordination` is in.
///
/// # Errors
///
/// A `config.toml` that cannot be read, parsed or trusted, or names a file elsewhere.
pub fn ownership_file(cwd: &Path, worktree: &Worktree) -> Result<PathBuf, WorkspaceError> {
    let real_cwd =
        cwd.canonicalize().map_err(|source| WorkspaceError::Directory { path: cwd.to_owned(), source })?;
    let default = worktree.root.join(OWNERSHIP_FILE);
    let Some(config) = find(&real_cwd, Some(worktree), "config.toml")? else { return Ok(default) };
    let Some(named) = ConfigFile::read(&config)?.ownership_file else { return Ok(default) };
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    match config.parent().and_then(Path::parent) {
        Some(base) if named.file_name().is_some() && named.components().all(is_plain) => Ok(base.join(named)),
        _ => Err(WorkspaceError::OwnershipFile { path: config }),
    }
}

/// Refuses to send a token where a committed file says.
fn keep_from_strangers(
    token: &Source,
    url: &Source,
    worktree: Option<&Worktree>,
) -> Result<(), WorkspaceError> {
    let path = match (token, url) {
        // They were written side by side.
        (Source::LocalEnv(_, token), Source::LocalEnv(_, url)) if token == url => return Ok(()),
        (
            Source::Environment(_) | Source::LocalEnv(..),
            Source::LocalEnv(_, path) | Source::Config(_, path),
        ) => path,
        _ => return Ok(()),
    };
    if trust::is_tracked(path, worktree)? {
        return Err(WorkspaceError::TokenAstray { token: token.clone(), url: url.clone() });
    }
    Ok(())
}

/// The first `.coordination/NAME` in the order this module's prose gives.
fn find(cwd: &Path, worktree: Option<&Worktree>, name: &str) -> Result<Option<PathBuf>, WorkspaceError> {
    let (inside, above): (Vec<&Path>, Vec<&Path>) =
        cwd.ancestors().partition(|path| worktree.is_some_and(|worktree| path.starts_with(&worktree.root)));
    let main =
        worktree.filter(|worktree| worktree.is_linked).and_then(|worktree| worktree.common_dir.parent());
    for directory in inside.into_iter().chain(main).chain(above) {
        let path = directory.join(".coordination").join(name);
        if files::is_file(&path)? {
            trust::check_owner(&path, worktree)?;
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The places a setting can come from.
struct Sources<'a> {
    env: &'a Env,
    local: Option<LocalEnv>,
    config: Option<(ConfigFile, PathBuf)>,
}

impl Sources<'_> {
    /// The value of the first key that has one, from the environment or `local.env`.
    fn named(&self, keys: &[&'static str]) -> Option<Setting<String>> {
        let from_env = |key: &&'static str| {
            let value = usable(self.env.get(key)?)?;
            Some(Setting { value: value.to_owned(), source: Source::Environment(key) })
        };
        let from_local = |key: &&'static str| {
            let local = self.local.as_ref()?;
            let source = Source::LocalEnv(key, local.path().to_owned());
            Some(Setting { value: usable(local.get(key)?)?.to_owned(), source })
        };
        let real = keys.iter().filter_map(from_env).find(|setting| setting.value != LOCAL_SERVICE_URL);
        real.or_else(|| keys.iter().find_map(from_local)).or_else(|| keys.iter().find_map(from_env))
    }

    /// The service, checked; `None` for embedded.
    fn service_url(&self) -> Result<Option<Setting<String>>, WorkspaceError> {
        let mode = self.mode();
        let named = self.named(URL_KEYS).filter(|setting| {
            // Embedded is what this clone was set up as; only the environment of one command overrides it.
            mode != Some(Mode::Embedded) || matches!(setting.source, Source::Environment(_))
        });
        let setting = match (named, &self.config) {
            (Some(setting), _) => setting,
            (None, None) => return Ok(None),
            (None, Some(_)) if mode == Some(Mode::Embedded) => return Ok(None),
            (None, Some((config, path))) => match (config.service_url.as_deref().and_then(usable), mode) {
                (Some(url), _) => {
                    Setting { value: url.to_owned(), source: Source::Config("service_url", path.clone()) }
                }
                (None, Some(Mode::Remote)) => {
                    return Err(WorkspaceError::ServiceUrlMissing { path: path.clone() });
                }
                (None, Some(Mode::Local)) => {
                    Setting { value: LOCAL_SERVICE_URL.to_owned(), source: Source::Default }
                }
                (None, _) => return Ok(None),
            },
        };
        service_url::check(setting).map(Some)
    }

    /// The configured token, else the one `coord start` made, for a clone set up to use that.
    fn token(
        &self,
        service: Option<&Setting<String>>,
        home: &Path,
    ) -> Result<Option<Setting<Token>>, WorkspaceError> {
        if let Some(setting) = self.named(TOKEN_KEYS) {
            return Token::from_setting(setting).map(Some);
        }
        // This machine's token is for this machine's service, whatever address a variable may name.
        let is_local = service.is_some_and(|service| service_url::is_loopback(&service.value));
        let path = home.join("token");
        if self.mode() != Some(Mode::Local) || !is_local || !files::is_file(&path)? {
            return Ok(None);
        }
        let value = files::read_text(&path)?;
        Token::from_setting(Setting { value, source: Source::HomeToken(path) }).map(Some)
    }

    fn configured_repo_id(&self) -> Option<Setting<String>> {
        let (config, path) = self.config.as_ref()?;
        let value = usable(config.repo_id.as_deref()?)?.to_owned();
        Some(Setting { value, source: Source::Config("repo_id", path.clone()) })
    }

    fn mode(&self) -> Option<Mode> {
        self.config.as_ref().and_then(|(config, _)| config.mode)
    }
}

/// The value without surrounding white space; `None` when nothing is left or it is an empty placeholder.
fn usable(value: &str) -> Option<&str> {
    Some(value.trim()).filter(|value| !value.is_empty() && !EMPTY_PLACEHOLDERS.contains(value))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
