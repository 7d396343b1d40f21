//! What the files of a clone that is set up say.

use std::path::Path;

use toml_edit::{Array, Item, Value, value};

use super::json::Entry;
use super::{PLACEHOLDER_REPO, PLACEHOLDER_TOKEN, PLACEHOLDER_URL, SetupError, Tool, codex};
use crate::workspace::Mode;

/// How agents are to work with coord: the block of `CLAUDE.md` and `AGENTS.md`.
pub(super) const PROTOCOL: &str = include_str!("../../templates/agents.md");

/// What Cursor wants at the top of a rule.
pub(super) const RULE_HEAD: &str = include_str!("../../templates/.cursor/rules/coordination.head.mdc");

/// The block of `.gitignore`.
pub(super) const IGNORED: &str = "/.coordination/\n";

/// What starts the bridge. Where nothing is served, an address would have the bridge look for a service.
pub(super) fn entry(mode: Mode) -> Entry {
    let env = match mode {
        Mode::Embedded => Vec::new(),
        Mode::Local | Mode::Remote => vec![
            ("COORD_API_URL", PLACEHOLDER_URL),
            ("COORD_AUTH_TOKEN", PLACEHOLDER_TOKEN),
            ("COORD_REPO_ID", PLACEHOLDER_REPO),
        ],
    };
    Entry { command: "coord-mcp", env }
}

/// A mode as `config.toml` has it.
pub(super) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Embedded => "embedded",
        Mode::Local => "local",
        Mode::Remote => "remote",
    }
}

/// What `config.toml` records.
pub(super) struct Config<'a> {
    pub(super) tools: &'a [Tool],
    pub(super) mode: Mode,
    /// `None` where nothing is served.
    pub(super) service_url: Option<&'a str>,
    pub(super) repo_id: &'a str,
    pub(super) hook: bool,
    pub(super) guard: bool,
}

/// What a directory has been set up as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// For these tools.
    pub tools: Vec<Tool>,
    /// Whether a push is checked.
    pub hook: bool,
    /// Whether edits of agents are.
    pub guard: bool,
}

/// `config.toml` with these values; what else is in it stays.
///
/// # Errors
///
/// [`SetupError::Syntax`] if there is a text that is not TOML.
pub(super) fn config(path: &Path, text: Option<&str>, config: &Config<'_>) -> Result<String, SetupError> {
    const HEAD: &str = "# How `coord init` set this clone up; `coord upgrade` brings all of it up to date.\n";
    let mut document = codex::parse(path, text.unwrap_or_default())?;
    let tools: Array = config.tools.iter().map(|tool| tool.name()).collect();
    let mut set = |key: &str, item: Option<Item>| match item {
        None => drop(document.remove(key)),
        // The same value keeps the way it is written.
        Some(item) if document.get(key).is_some_and(|known| means(known) == means(&item)) => {}
        Some(item) => drop(document.insert(key, item)),
    };
    set("version", Some(value(1)));
    set("tool", config.tools.first().map(|tool| value(tool.name())));
    set("tools", Some(value(tools)));
    set("mode", Some(value(mode_name(config.mode))));
    set("service_url", config.service_url.map(value));
    set("ownership_file", Some(value(".coordination/owners.yaml")));
    set("local_env_file", Some(value(".coordination/local.env")));
    set("repo_id", Some(value(config.repo_id)));
    set("hook", (!config.hook).then(|| value(false)));
    set("guard", (!config.guard).then(|| value(false)));
    let made = document.to_string();
    Ok(if text.is_none() { format!("{HEAD}{made}") } else { made })
}

/// A value as words, however it is written.
fn means(item: &Item) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::String(text) => text.value().clone(),
        other => other.to_string().trim().to_owned(),
    };
    match item.as_value() {
        Some(Value::Array(values)) => values.iter().map(word).collect(),
        Some(value) => vec![word(value)],
        None => vec![item.to_string()],
    }
}

/// What `config.toml` says of the tools and the hooks, beside what every command reads.
///
/// # Errors
///
/// [`SetupError::Syntax`] if it is not TOML.
pub(super) fn recorded(path: &Path, text: &str) -> Result<Recorded, SetupError> {
    let document = codex::parse(path, text)?;
    let several = document.get("tools").and_then(Item::as_array);
    let names = several.into_iter().flatten().filter_map(|name| name.as_str());
    let single = document.get("tool").and_then(Item::as_str);
    let mut tools: Vec<Tool> = names.chain(single).filter_map(Tool::named).collect();
    tools.sort_unstable();
    tools.dedup();
    let is_on = |key: &str| document.get(key).and_then(Item::as_bool).unwrap_or(true);
    Ok(Recorded { tools, hook: is_on("hook"), guard: is_on("guard") })
}

/// `local.env` with these values; other lines stay.
pub(super) fn local_env(text: Option<&str>, values: &[(&str, &str)]) -> String {
    const HEAD: &str =
        "# This clone's own values, the token among them. Git ignores this file; keep it to yourself.\n";
    let mut lines: Vec<String> = text.unwrap_or(HEAD).lines().map(String::from).collect();
    for (key, value) in values {
        let line = format!("{key}={}", shell_word(value));
        // The last of several counts, and one that says the same stays as it is written.
        match lines.iter().rposition(|line| key_of(line) == Some(key)) {
            Some(at) if value_of(&lines[at]) == Some(value) => {}
            Some(at) => lines[at] = line,
            None => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    Some(key.strip_prefix("export").map_or(key, str::trim_start))
}

/// The value of a line that is written plainly.
fn value_of(line: &str) -> Option<&str> {
    let value = line.split_once('=')?.1.trim();
    Some(value.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')).unwrap_or(value))
}

fn shell_word(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if value.chars().all(is_plain) {
        value.to_owned()
    } else if value.contains('\'') {
        let escaped = value.chars().flat_map(|c| "\"\\$`".contains(c).then_some('\\').into_iter().chain([c]));
        format!("\"{}\"", escaped.collect::<String>())
    } else {
        format!("'{value}'")
    }
}

/// Line and column, from 1, of a place in a text.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |line| line + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_keeps_what_others_wrote() {
        let path = Path::new("/x/config.toml");
        let mut wanted = Config {
            tools: &[Tool::Claude, Tool::Codex],
            mode: Mode::Remote,
            service_url: Some("https://coord.example"),
            repo_id: "a/b",
            hook: false,
            guard: false,
        };
        let first = config(path, None, &wanted).unwrap();
        assert_eq!(config(path, Some(&first), &wanted).unwrap(), first);
        let tools = vec![Tool::Claude, Tool::Codex];
        assert_eq!(recorded(path, &first).unwrap(), Recorded { tools, hook: false, guard: false });
        wanted.mode = Mode::Embedded;
        wanted.service_url = None;
        (wanted.hook, wanted.guard) = (true, true);
        let text = first.replace("repo_id = \"a/b\"", "repo_id = 'a/b' # mine\nother = 1");
        let second = config(path, Some(&text), &wanted).unwrap();
        assert!(second.contains("# mine\nother = 1") && !second.contains("service_url"), "{second}");
        assert!(recorded(path, &second).unwrap().hook && recorded(path, &second).unwrap().guard);
        let old = Recorded { tools: vec![Tool::Cursor], hook: true, guard: true };
        assert_eq!(recorded(path, "tool = \"cursor\"").unwrap(), old);
    }

    #[test]
    fn local_env_keeps_other_lines() {
        let text = "# mine\nexport COORD_AUTH_TOKEN='a b'\nCOORD_X=1\n";
        assert_eq!(local_env(Some(text), &[("COORD_AUTH_TOKEN", "a b")]), text);
        let other = local_env(Some(text), &[("COORD_AUTH_TOKEN", "t"), ("COORD_REPO_ID", "my app")]);
        assert_eq!(other, "# mine\nCOORD_AUTH_TOKEN=t\nCOORD_X=1\nCOORD_REPO_ID='my app'\n");
        let quotes = [("COORD_REPO_ID", "ada's \"$x\" \\")];
        let odd = local_env(Some(""), &quotes);
        assert_eq!(odd, "COORD_REPO_ID=\"ada's \\\"\\$x\\\" \\\\\"\n");
        assert_eq!(local_env(Some(&odd), &quotes), odd);
    }

    #[test]
    fn templates_are_what_their_names_say() {
        assert!(RULE_HEAD.starts_with("---\n") && RULE_HEAD.ends_with("---\n"));
        assert!(!PROTOCOL.contains("coord:begin") && PROTOCOL.ends_with('\n'));
    }
}
