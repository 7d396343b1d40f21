//! Who is asking: the engineer, the session and the tool.
//!
//! An engineer is `USER/TOOL/WORKTREE`, so that two agents of one person in two worktrees are two engineers, and one
//! agent is the same engineer in its editor, its hooks and its shell. The session is one per worktree and is kept in
//! its git directory, where neither a commit nor a teammate meets it. Whom `COORD_ENGINEER` names has one of their own
//! there, so that two names in one worktree keep each other off.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::{Env, Setting, Settings, WorkspaceError, Worktree, git};

/// The variables that name the user.
const USER_KEYS: &[&str] = &["USER", "LOGNAME", "USERNAME"];

/// The user whom nothing names.
const NOBODY: &str = "someone";

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name claims are made under: `alex/claude/main`.
    pub engineer: String,
    /// Which run of that engineer: 16 hexadecimal digits, unless `COORD_SESSION_ID` says otherwise.
    pub session_id: String,
    /// Why the next command will be another session; `None` where it will be the same. The git directory cannot always
    /// be written, as in an agent's sandbox: then each command has its own.
    pub session_not_kept: Option<String>,
    /// What runs the command: `claude`, `codex`, `cursor` or `cli`.
    pub tool: &'static str,
}

impl Identity {
    /// Works out who is asking, and makes the worktree's session on first use.
    ///
    /// # Errors
    ///
    /// The session cannot be read or made, or git fails when asked for a name.
    pub fn resolve(worktree: &Worktree, settings: &Settings, env: &Env) -> Result<Identity, WorkspaceError> {
        let tool = tool(env);
        let engineer = match &settings.engineer {
            Some(engineer) => engineer.value.clone(),
            None => format!("{}/{tool}/{}", user(worktree, settings, env)?, place(worktree)),
        };
        let kept = match &settings.session_id {
            Some(session) => Ok(session.value.clone()),
            None => kept_session(&worktree.git_dir)?.map(|session| match &settings.engineer {
                Some(engineer) => session_of(&engineer.value, &session),
                None => session,
            }),
        };
        let (session_id, session_not_kept) = match kept {
            Ok(session) => (session, None),
            Err(why) => (new_session(), Some(why)),
        };
        Ok(Identity { engineer, session_id, session_not_kept, tool })
    }

    /// Who is asking where there is no clone: the directory takes the place of a worktree, and no session is kept.
    #[must_use]
    pub fn outside(directory: &Path, settings: &Settings, env: &Env) -> Identity {
        let tool = tool(env);
        let named = |setting: &Option<Setting<String>>| setting.as_ref().map(|setting| setting.value.clone());
        let user = named(&settings.user)
            .or_else(|| env.first(USER_KEYS).map(str::to_owned))
            .unwrap_or_else(|| NOBODY.to_owned());
        let place = directory.file_name().unwrap_or_default().to_string_lossy();
        Identity {
            engineer: named(&settings.engineer).unwrap_or_else(|| format!("{user}/{tool}/{place}")),
            session_id: named(&settings.session_id).unwrap_or_else(new_session),
            session_not_kept: None,
            tool,
        }
    }
}

/// The tool whose marks are in the environment. The first that matches wins: a tool started in another's terminal
/// inherits that one's marks too, and Claude Code and Codex run inside Cursor's, not the other way round.
fn tool(env: &Env) -> &'static str {
    const MARKS: &[(&str, &[&str])] = &[
        ("claude", &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"]),
        (
            "codex",
            &["CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_THREAD_ID", "CODEX_CLI", "CODEX_CI"],
        ),
        ("cursor", &["CURSOR_AGENT", "CURSOR_TRACE_ID"]),
    ];
    MARKS.iter().find(|(_, marks)| env.first(marks).is_some()).map_or("cli", |(tool, _)| tool)
}

fn user(worktree: &Worktree, settings: &Settings, env: &Env) -> Result<String, WorkspaceError> {
    if let Some(user) = &settings.user {
        return Ok(user.value.clone());
    }
    if let Some(user) = env.first(USER_KEYS) {
        return Ok(user.to_owned());
    }
    let name = git::config_value(worktree, "user.name")?;
    Ok(name.map(|name| slug(&name)).filter(|slug| !slug.is_empty()).unwrap_or_else(|| NOBODY.to_owned()))
}

/// `Ada Lovelace` as `ada-lovelace`.
fn slug(name: &str) -> String {
    let words = name.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The part of an engineer that tells one person's worktrees apart.
fn place(worktree: &Worktree) -> String {
    let directory = worktree.root.file_name().filter(|_| worktree.is_linked);
    match (directory, &worktree.branch) {
        (Some(directory), _) => directory.to_string_lossy().into_owned(),
        (None, Some(branch)) => branch.clone(),
        (None, None) => "detached".to_owned(),
    }
}

/// The session kept in a git directory, made when there is none; or why it cannot be kept there.
fn kept_session(git_dir: &Path) -> Result<Result<String, String>, WorkspaceError> {
    let directory = git_dir.join("coord");
    let session = match read_session(&directory) {
        Ok(None) => make_session(&directory),
        Ok(Some(session)) => Ok(session),
        Err(error) => Err(error),
    };
    match session {
        Err(WorkspaceError::Read { path, source } | WorkspaceError::Write { path, source })
            if matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(Err(format!("{}: {source}", path.display())))
        }
        session => session.map(Ok),
    }
}

/// The session of an engineer who is named, where others may work under other names: theirs alone, and always the same.
fn session_of(engineer: &str, session: &str) -> String {
    let digest = Sha256::digest(format!("{session}\n{engineer}"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the session; `None` when there is none, or the file holds something else.
fn read_session(directory: &Path) -> Result<Option<String>, WorkspaceError> {
    let path = directory.join("session");
    match fs::read(&path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim();
            let is_session = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            Ok(is_session.then(|| text.to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(WorkspaceError::Read { path, source }),
    }
}

/// Makes the session, once: whoever comes second, at the same time or in place of a malformed file, gets the first
/// one's. The lock decides who is first; the rename keeps readers, who take no lock, from seeing half a file.
fn make_session(directory: &Path) -> Result<String, WorkspaceError> {
    let path = directory.join("session");
    let failed = |source| WorkspaceError::Write { path: path.clone(), source };
    fs::create_dir_all(directory).map_err(failed)?;
    let lock = File::create(directory.join("session.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if let Some(session) = read_session(directory)? {
        return Ok(session);
    }
    let session = new_session();
    let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
    writeln!(file, "{session}").map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(session)
}

/// A session that nobody has had: 16 hexadecimal digits.
#[must_use]
pub fn new_session() -> String {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    // Each half has fixed bits where the other is random.
    format!("{:016x}", high ^ low)
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
