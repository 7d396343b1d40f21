//! Which changes set a clone up, or bring it up to date.

use std::path::{Path, PathBuf};

use super::block::{self, Marks};
use super::content::{self, Config, Recorded};
use super::hook::{self, MANAGED_AT, Site};
use super::plan::{Plan, read};
use super::{DIRECTORY, Drift, PLACEHOLDER_TOKEN, SetupError, Tool, codex, guard, json, owners};
use crate::workspace::{Mode, Token, Worktree, hooks_directory, is_tracked};

/// The record of what was made, below [`DIRECTORY`].
pub(super) const MADE: &str = "made";

/// Where claims are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// How.
    pub mode: Mode,
    /// At which address; `None` where nothing is served.
    pub url: Option<String>,
    /// The token of it, where it is known.
    pub token: Option<Token>,
}

/// What a clone is to be set up as.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The work tree.
    pub worktree: Worktree,
    /// The directory in it that is set up: its root, or a part of it.
    pub root: PathBuf,
    /// For these tools.
    pub tools: Vec<Tool>,
    /// Where claims are kept.
    pub service: Service,
    /// The name that claims of this repository meet under.
    pub repo_id: String,
    /// Whether a push is checked.
    pub hook: bool,
    /// Whether edits of agents are checked, in the tools whose settings can say so.
    pub guard: bool,
    /// Whether ownership rules are written where there are none.
    pub owners: bool,
    /// Whether rules that are there are written anew.
    pub force: bool,
    /// Where coord is, if it is not on `PATH`.
    pub program: Option<PathBuf>,
}

impl Setup {
    /// What a directory has been set up as; `None` if it has not been.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood.
    pub fn recorded(root: &Path) -> Result<Option<Recorded>, SetupError> {
        let path = root.join(DIRECTORY).join("config.toml");
        let Some(text) = read(root, &path)? else { return Ok(None) };
        let mut recorded = content::recorded(&path, &text)?;
        for tool in Tool::ALL {
            if !recorded.tools.contains(tool) && is_present(root, *tool)? {
                recorded.tools.push(*tool);
            }
        }
        recorded.tools.sort_unstable();
        Ok(Some(recorded))
    }

    /// The way from the root of the work tree to the directory that is set up; empty if they are the same.
    #[must_use]
    pub fn prefix(&self) -> String {
        let inside = self.root.strip_prefix(&self.worktree.root).unwrap_or(Path::new(""));
        inside.to_string_lossy().into_owned()
    }

    /// Works out every change.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, understood or written to safely. Nothing has been changed then.
    pub fn plan(&self) -> Result<Plan, SetupError> {
        let mut plan = Plan::default();
        let mut made = Vec::new();
        let mut stray = None;
        for tool in &self.tools {
            self.plan_config(*tool, &mut plan, &mut made, &mut stray)?;
            self.plan_document(*tool, &mut plan, &mut made)?;
        }
        for tool in self.tools.iter().filter(|_| self.guard) {
            self.plan_guard(*tool, &mut plan, &mut made)?;
        }
        self.plan_ignored(&mut plan, &mut made)?;
        self.plan_directory(&mut plan, stray)?;
        if self.hook {
            self.plan_hook(&mut plan, &mut made)?;
        }
        self.plan_record(&mut plan, made)?;
        Ok(plan)
    }

    /// What a tool starts the bridge by. A real token that stands there is taken out, and kept.
    fn plan_config(
        &self,
        tool: Tool,
        plan: &mut Plan,
        made: &mut Vec<String>,
        stray: &mut Option<Token>,
    ) -> Result<(), SetupError> {
        let path = self.root.join(tool.config());
        let before = self.look(tool.config(), made)?;
        let entry = content::entry(self.service.mode);
        let text = before.as_deref().unwrap_or_default();
        for token in tokens(tool, &path, text)? {
            if let Some(token) = Token::new(&token).filter(|token| !is_placeholder(token.expose())) {
                plan.notes.push(format!(
                    "{} held a token; if it was ever committed, have the service use another one",
                    tool.config()
                ));
                *stray = Some(token);
            }
        }
        let after = match tool {
            Tool::Codex => codex::put(&path, text, &entry)?,
            Tool::Claude | Tool::Cursor => {
                let text = if text.trim().is_empty() { "{}\n" } else { text };
                let (after, made_servers) = json::put(&path, text, &entry)?;
                if made_servers {
                    made.push(format!("{}#{}", tool.config(), json::SERVERS));
                }
                after
            }
        };
        plan.write(path, before, after, 0o644);
        Ok(())
    }

    /// What tells a tool's agents how to work.
    fn plan_document(&self, tool: Tool, plan: &mut Plan, made: &mut Vec<String>) -> Result<(), SetupError> {
        let file = tool.document_in(&self.root);
        let path = self.root.join(file);
        if plan.changes.iter().any(|change| change.path == path) {
            return Ok(());
        }
        let before = self.look(file, made)?;
        let mut after =
            block::put(&path, before.as_deref().unwrap_or_default(), Marks::Html, content::PROTOCOL)?;
        let is_alone = block::around(&path, &after, Marks::Html)?.is_some_and(|around| around == ("", ""));
        if tool == Tool::Cursor && is_alone {
            after = block::put(&path, content::RULE_HEAD, Marks::Html, content::PROTOCOL)?;
        }
        plan.write(path, before, after, 0o644);
        Ok(())
    }

    /// What has a tool ask before each edit.
    fn plan_guard(&self, tool: Tool, plan: &mut Plan, made: &mut Vec<String>) -> Result<(), SetupError> {
        let guard = guard::of(tool);
        let path = self.root.join(guard.file);
        let before = self.look(guard.file, made)?;
        let text = before.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or("{}\n");
        let (after, new) = guard::put(guard, &path, text)?;
        made.extend(new.into_iter().map(|part| format!("{}#{part}", guard.file)));
        if tool == Tool::Codex && before.as_ref() != Some(&after) {
            plan.notes
                .push(format!("Codex runs what is new in {} once you trust it: /hooks in Codex", guard.file));
        }
        plan.write(path, before, after, 0o644);
        Ok(())
    }

    fn plan_ignored(&self, plan: &mut Plan, made: &mut Vec<String>) -> Result<(), SetupError> {
        let path = self.root.join(".gitignore");
        let before = self.look(".gitignore", made)?;
        let after = block::put(&path, before.as_deref().unwrap_or_default(), Marks::Hash, content::IGNORED)?;
        plan.write(path, before, after, 0o644);
        Ok(())
    }

    /// What git ignores: settings, token, rules.
    fn plan_directory(&self, plan: &mut Plan, stray: Option<Token>) -> Result<(), SetupError> {
        let directory = self.root.join(DIRECTORY);
        let path = directory.join("config.toml");
        let before = read(&self.root, &path)?;
        let config = Config {
            tools: &self.tools,
            mode: self.service.mode,
            service_url: self.service.url.as_deref(),
            repo_id: &self.repo_id,
            hook: self.hook,
            guard: self.guard,
        };
        let after = content::config(&path, before.as_deref(), &config)?;
        plan.write(path, before, after, 0o644);

        let path = directory.join("local.env");
        let before = read(&self.root, &path)?;
        if before.is_some() && is_tracked(&path, Some(&self.worktree))? {
            return Err(SetupError::Tracked { path });
        }
        let mut values = Vec::new();
        let token = self.service.token.clone().or(stray);
        if let Some(url) = &self.service.url {
            values.extend([("COORD_API_URL", url.as_str()), ("COORD_SERVICE_URL", url.as_str())]);
            let token = token.as_ref().map_or(PLACEHOLDER_TOKEN, Token::expose);
            values.push(("COORD_AUTH_TOKEN", token));
            if token == PLACEHOLDER_TOKEN && self.service.mode == Mode::Remote {
                plan.notes.push(format!(
                    "put the service's token into {DIRECTORY}/local.env: COORD_AUTH_TOKEN=..."
                ));
            }
        }
        values.push(("COORD_REPO_ID", &self.repo_id));
        let after = content::local_env(before.as_deref(), &values);
        plan.write(path, before, after, 0o600);

        let path = directory.join("owners.yaml");
        let before = read(&self.root, &path)?;
        if before.is_some() && !self.force {
            let after = before.clone().unwrap_or_default();
            plan.write(path, before, after, 0o644);
        } else if self.owners {
            let prefix = self.prefix();
            let prefix = if prefix.is_empty() { prefix } else { prefix + "/" };
            let failed = |source| SetupError::Read { path: self.root.clone(), source };
            let after = owners::text(&self.root, &prefix).map_err(failed)?;
            plan.write(path, before, after, 0o644);
        }
        Ok(())
    }

    /// The hook that runs coord, and the one by which git runs that.
    fn plan_hook(&self, plan: &mut Plan, made: &mut Vec<String>) -> Result<(), SetupError> {
        let prefix = self.prefix();
        let path = self.root.join(MANAGED_AT);
        let before = read(&self.root, &path)?;
        plan.write(path, before, hook::managed(&prefix, self.program.as_deref()), 0o755);

        let site = Site::find(&self.worktree)?;
        let path = match &site {
            Site::Own(path) | Site::Shared(path) => path.clone(),
            Site::ByHand { why, how } => {
                plan.notes.push(format!("no hook was installed: {why}"));
                plan.notes.push(how.clone());
                return Ok(());
            }
        };
        let is_own = matches!(site, Site::Own(_));
        let text = hook::text_of(&path)?;
        let foreign = match &text {
            Some(text) if is_own => hook::is_foreign(&path, text)?,
            _ => false,
        };
        if foreign {
            let kept = hook::chained_beside(&path);
            if kept.symlink_metadata().is_ok() {
                let problem = "a hook that was here before is kept in it already";
                return Err(SetupError::NotText { path: kept, problem });
            }
            check_links(&self.worktree, &path, true)?;
            plan.notes.push(format!(
                "the pre-push hook that was here is kept, and runs after coord's: {}",
                kept.display()
            ));
            plan.rename(path.clone(), kept);
            let after = site.put(&path, None, &[prefix])?;
            plan.write(path, None, after, 0o755);
            return Ok(());
        }
        check_links(&self.worktree, &path, false)?;
        if text.as_ref().is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(SetupError::NotText { path, problem: "it is not UTF-8" });
        }
        if self.waits_for_husky() {
            plan.notes.push(
                "husky is not installed in this clone, and runs the hook once it is: `npm install`".into(),
            );
        }
        if text.is_none() {
            made.push("hook".into());
        }
        let mut roots = text.as_deref().map(Site::roots).unwrap_or_default();
        if !roots.contains(&prefix) {
            roots.push(prefix);
        }
        let after = site.put(&path, text.as_deref(), &roots)?;
        plan.write(path, text, after, 0o755);
        Ok(())
    }

    /// Whether the hook stands where husky reads it, and git does not ask husky here.
    #[must_use]
    pub fn waits_for_husky(&self) -> bool {
        let husky = self.worktree.root.join(".husky");
        let asked = hooks_directory(&self.worktree);
        husky.is_dir() && asked.is_ok_and(|directory| !directory.starts_with(husky))
    }

    /// What was made here, so that exactly that is taken away again.
    fn plan_record(&self, plan: &mut Plan, made: Vec<String>) -> Result<(), SetupError> {
        let path = self.root.join(DIRECTORY).join(MADE);
        let before = read(&self.root, &path)?;
        let mut after = before.clone().unwrap_or_else(|| {
            "# What `coord init` made; `coord uninit` takes it away when nothing else is in it.\n".into()
        });
        for line in made {
            if !after.lines().any(|known| known == line) {
                after.push_str(&line);
                after.push('\n');
            }
        }
        plan.write(path, before, after, 0o644);
        Ok(())
    }

    /// Reads a file that is about to be changed, and notes what is not there yet.
    fn look(&self, relative: &str, made: &mut Vec<String>) -> Result<Option<String>, SetupError> {
        let before = read(&self.root, &self.root.join(relative))?;
        if before.is_none() {
            made.push(relative.to_owned());
        }
        for directory in Path::new(relative).ancestors().skip(1).filter(|at| !at.as_os_str().is_empty()) {
            if !self.root.join(directory).exists() {
                made.push(format!("{}/", directory.display()));
            }
        }
        Ok(before)
    }

    /// How a tool's configuration, and what its agents are told, compare with what this version writes.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood.
    pub fn drift(&self, tool: Tool) -> Result<(Drift, Drift), SetupError> {
        let path = self.root.join(tool.config());
        let entry = content::entry(self.service.mode);
        let config = match (read(&self.root, &path)?, tool) {
            (None, _) => Drift::Missing,
            (Some(text), Tool::Codex) => codex::drift(&path, &text, &entry)?,
            (Some(text), _) if !json::has(&path, &text)? => Drift::Missing,
            (Some(text), _) if json::put(&path, &text, &entry)?.0 == text => Drift::None,
            _ => Drift::Differs,
        };
        let path = self.root.join(tool.document_in(&self.root));
        let document = match read(&self.root, &path)? {
            None => Drift::Missing,
            Some(text) => block::drift(&path, &text, Marks::Html, content::PROTOCOL)?,
        };
        Ok((config, document))
    }

    /// The file that has a tool ask before each edit, and how it compares with what this version writes.
    ///
    /// # Errors
    ///
    /// It cannot be read or understood.
    pub fn guard_drift(&self, tool: Tool) -> Result<(&'static str, Drift), SetupError> {
        let guard = guard::of(tool);
        let path = self.root.join(guard.file);
        let drift = match read(&self.root, &path)? {
            Some(text) if !text.trim().is_empty() => guard::drift(guard, &path, &text)?,
            _ => Drift::Missing,
        };
        Ok((guard.file, drift))
    }

    /// How the managed hook compares with what this version writes.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn managed_drift(&self) -> Result<Drift, SetupError> {
        let text = read(&self.root, &self.root.join(MANAGED_AT))?;
        Ok(text.map_or(Drift::Missing, |text| hook::managed_drift(&text, &self.prefix())))
    }
}

/// Whether what stands in the place of a token is none.
pub(super) fn is_placeholder(token: &str) -> bool {
    token.is_empty() || ["set-me", "REPLACE_ME"].contains(&token) || token.starts_with("${")
}

/// The tokens, placeholders included, in a tool's configuration.
fn tokens(tool: Tool, path: &Path, text: &str) -> Result<Vec<String>, SetupError> {
    values(tool, path, text, &["COORD_AUTH_TOKEN", "COORD_TOKEN"])
}

/// The variables of these names with which a tool starts the bridge.
fn values(tool: Tool, path: &Path, text: &str, keys: &[&str]) -> Result<Vec<String>, SetupError> {
    match tool {
        Tool::Codex => codex::values(path, text, keys),
        Tool::Claude | Tool::Cursor if text.trim().is_empty() => Ok(Vec::new()),
        Tool::Claude | Tool::Cursor => json::values(path, text, keys),
    }
}

/// Whether a directory holds something of ours for a tool.
fn is_present(root: &Path, tool: Tool) -> Result<bool, SetupError> {
    let path = root.join(tool.config());
    let configured = match (read(root, &path)?, tool) {
        (None, _) => false,
        (Some(text), _) if text.trim().is_empty() => false,
        (Some(text), Tool::Codex) => codex::take(&path, &text)?.is_some(),
        (Some(text), _) => json::has(&path, &text)?,
    };
    let file = tool.document_in(root);
    // What several tools read says nothing of one of them.
    let readers = Tool::ALL.iter().filter(|other| other.document_in(root) == file).count();
    let path = root.join(file);
    let told = match read(root, &path)?.filter(|_| readers == 1) {
        Some(text) => block::find(&path, &text, Marks::Html)?.is_some(),
        None => false,
    };
    Ok(configured || told)
}

/// The committed file that starts the bridge for a service, if there is one: its address is each clone's own matter.
///
/// # Errors
///
/// A file that cannot be read or understood.
pub fn committed_for_service(root: &Path) -> Result<Option<&'static str>, SetupError> {
    for tool in Tool::ALL {
        let path = root.join(tool.config());
        let text = read(root, &path)?.unwrap_or_default();
        if values(*tool, &path, &text, &["COORD_API_URL", "COORD_SERVICE_URL"])?.is_empty() {
            continue;
        }
        return Ok(Some(tool.config()));
    }
    Ok(None)
}

/// Makes sure that a hook is not written through a link; one that is only renamed may be one.
fn check_links(worktree: &Worktree, path: &Path, renamed: bool) -> Result<(), SetupError> {
    let base = if path.starts_with(&worktree.common_dir) { &worktree.common_dir } else { &worktree.root };
    let mut at = base.clone();
    for part in path.strip_prefix(base).unwrap_or(path).components() {
        at.push(part);
        let is_link = at.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if is_link && !(renamed && at == path) {
            return Err(SetupError::Link { path: at });
        }
    }
    Ok(())
}

/// The files that git may have committed and that hold a token: any in the place of one, or this one anywhere.
///
/// # Errors
///
/// A file that cannot be read or understood.
pub fn committed_tokens(root: &Path, token: Option<&str>) -> Result<Vec<&'static str>, SetupError> {
    // A shorter one may be part of any word.
    let token = token.filter(|token| token.len() >= 8);
    let mut files = Vec::new();
    for tool in Tool::ALL {
        for file in [tool.config(), tool.document_in(root)] {
            let path = root.join(file);
            let Some(text) = read(root, &path)? else { continue };
            let named = match file == tool.config() {
                true => tokens(*tool, &path, &text)?.iter().any(|token| !is_placeholder(token)),
                false => false,
            };
            let is_known = files.contains(&file);
            if !is_known && (named || token.is_some_and(|token| text.contains(token))) {
                files.push(file);
            }
        }
    }
    Ok(files)
}
