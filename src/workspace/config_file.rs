//! `.coordination/config.toml`: how `coord init` set this clone up.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{WorkspaceError, files};

/// The keys of a `config.toml`; those it does not know are ignored, so that older and newer versions can share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ConfigFile {
    /// The version of the layout; 1 so far.
    pub version: Option<i64>,
    /// The tool the clone was set up for: `claude`, `codex` or `cursor`.
    pub tool: Option<String>,
    /// Where the coordinator runs. `None` leaves it to whether a service is named.
    pub mode: Option<Mode>,
    /// The address of the service.
    pub service_url: Option<String>,
    /// The room to claim in.
    pub repo_id: Option<String>,
    /// Where the ownership rules are, from the directory that `.coordination` is in.
    pub ownership_file: Option<PathBuf>,
}

/// Where the coordinator of a clone runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In every command, over a database inside the clone.
    Embedded,
    /// On this machine, started with `coord start`.
    Local,
    /// Somewhere else.
    Remote,
}

impl ConfigFile {
    /// Reads and parses a file.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Config`] naming line and column, or why the file could not be read.
    pub fn read(path: &Path) -> Result<ConfigFile, WorkspaceError> {
        ConfigFile::parse(path, &files::read_text(path)?)
    }

    fn parse(path: &Path, text: &str) -> Result<ConfigFile, WorkspaceError> {
        toml::from_str(text).map_err(|error| {
            let (line, column) = position(text, error.span());
            // Not kept as `source`: its own message quotes the line.
            let problem = error.message().replace('\n', ", ");
            WorkspaceError::Config { path: path.to_owned(), line, column, problem }
        })
    }
}

/// Line and column, from 1, of where a span starts; an error without one concerns the whole file.
fn position(text: &str, span: Option<Range<usize>>) -> (usize, usize) {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, WorkspaceError> {
        ConfigFile::parse(Path::new("/x/.coordination/config.toml"), text)
    }

    #[test]
    fn reads_what_0_27_1_writes() {
        let text = r#"
version = 1
tool = "claude"
mode = "local"
service_url = "http://127.0.0.1:8080"
ownership_file = ".coordination/owners.yaml"
local_env_file = ".coordination/local.env"
repo_id = "team/web"
"#;
        let expected = ConfigFile {
            version: Some(1),
            tool: Some("claude".to_owned()),
            mode: Some(Mode::Local),
            service_url: Some("http://127.0.0.1:8080".to_owned()),
            repo_id: Some("team/web".to_owned()),
            ownership_file: Some(".coordination/owners.yaml".into()),
        };
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse("").unwrap(), ConfigFile::default());
    }

    #[test]
    fn errors_name_the_place() {
        for (text, place) in [
            ("version = 1\nmode = \"é\" x\n", ":2:12: "),
            ("version = 1\n\nmode = \"cloud\"\n", ":3:8: "),
            ("service_url = 3", ":1:15: "),
            ("repo_id = \"a\"\nrepo_id = \"b\"", ":2:1: "),
        ] {
            let shown = parse(text).unwrap_err().to_string();
            assert!(shown.starts_with(&format!("/x/.coordination/config.toml{place}")), "{shown}");
        }
        let shown = parse("mode = \"cloud\"").unwrap_err().to_string();
        assert!(shown.contains("embedded") && !shown.contains('\n'), "{shown}");
    }
}
