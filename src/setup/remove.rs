//! Which changes take out of a clone what setting it up put in.

use std::path::Path;

use super::block::{self, Marks};
use super::content;
use super::guard::{self, Guard};
use super::hook::{self, MANAGED_AT, Site};
use super::install::MADE;
use super::plan::{Plan, read};
use super::{DIRECTORY, SetupError, Tool, codex, json};
use crate::workspace::{Worktree, worktrees};

/// What was made by setting up; `None` if that was not recorded, and what is left empty counts as made.
struct Made(Option<String>);

impl Made {
    fn has(&self, what: &str) -> bool {
        self.0.as_ref().is_none_or(|text| text.lines().any(|line| line == what))
    }
}

/// Works out every change. `with_owners` takes the ownership rules away as well.
///
/// # Errors
///
/// A file that cannot be read, understood or written to safely. Nothing has been changed then.
pub fn removal(worktree: &Worktree, root: &Path, with_owners: bool) -> Result<Plan, SetupError> {
    let mut plan = Plan::default();
    let made = Made(read(root, &root.join(DIRECTORY).join(MADE))?);
    for tool in Tool::ALL {
        config(root, *tool, &made, &mut plan)?;
        let left_alone = if *tool == Tool::Cursor { content::RULE_HEAD } else { "" };
        let document = tool.document_in(root);
        if plan.changes.iter().all(|change| change.path != root.join(document)) {
            marked(root, document, Marks::Html, left_alone, &made, &mut plan)?;
        }
        settings(root, guard::of(*tool), &made, &mut plan)?;
    }
    marked(root, ".gitignore", Marks::Hash, "", &made, &mut plan)?;
    hooks(worktree, root, &made, &mut plan)?;
    for name in ["config.toml", "local.env", "sessions.live", "hooks/pre-push", "owners.yaml", MADE] {
        let path = root.join(DIRECTORY).join(name);
        match read(root, &path)? {
            Some(_) if name == "owners.yaml" && !with_owners => {
                plan.notes.push(format!(
                    "{DIRECTORY}/owners.yaml stays; `coord uninit --yes --force` takes it away too"
                ));
            }
            Some(text) => plan.remove(path, text),
            None => {}
        }
    }
    plan.emptied = vec![root.join(DIRECTORY).join("hooks"), root.join(DIRECTORY)];
    for directory in [".claude", ".codex", ".cursor/rules", ".cursor"] {
        if made.has(&format!("{directory}/")) {
            plan.emptied.push(root.join(directory));
        }
    }
    Ok(plan)
}

/// Takes the bridge out of a tool's configuration.
fn config(root: &Path, tool: Tool, made: &Made, plan: &mut Plan) -> Result<(), SetupError> {
    let path = root.join(tool.config());
    let Some(before) = read(root, &path)?.filter(|text| !text.trim().is_empty()) else { return Ok(()) };
    let (left, is_nothing) = match tool {
        Tool::Codex => match codex::take(&path, &before)? {
            Some(left) => (left.clone(), left.is_empty()),
            None => return Ok(()),
        },
        Tool::Claude | Tool::Cursor => {
            let with_servers = made.has(&format!("{}#{}", tool.config(), json::SERVERS));
            match json::take(&path, &before, with_servers)? {
                Some(left) => (left.clone(), json::is_empty(&path, &left)),
                None => return Ok(()),
            }
        }
    };
    settle(plan, path, before, left, is_nothing && made.has(tool.config()));
    Ok(())
}

/// Takes the hook that guards edits out of a tool's settings.
fn settings(root: &Path, guard: &Guard, made: &Made, plan: &mut Plan) -> Result<(), SetupError> {
    let path = root.join(guard.file);
    let Some(before) = read(root, &path)?.filter(|text| !text.trim().is_empty()) else { return Ok(()) };
    let is_made = |part: &str| made.has(&format!("{}#{part}", guard.file));
    if let Some(left) = guard::take(guard, &path, &before, is_made)? {
        let goes = json::is_empty(&path, &left) && made.has(guard.file);
        settle(plan, path, before, left, goes);
    }
    Ok(())
}

/// Takes a marked block out of a text.
fn marked(
    root: &Path,
    relative: &str,
    marks: Marks,
    nothing: &str,
    made: &Made,
    plan: &mut Plan,
) -> Result<(), SetupError> {
    let path = root.join(relative);
    let Some(before) = read(root, &path)? else { return Ok(()) };
    let Some(left) = block::take(&path, &before, marks)? else { return Ok(()) };
    let goes = (left.is_empty() || left.trim() == nothing.trim()) && made.has(relative);
    settle(plan, path, before, left, goes);
    Ok(())
}

/// Takes the directory out of git's hook, and the hook away if nobody else is in it. One that was there before comes
/// back.
fn hooks(worktree: &Worktree, root: &Path, made: &Made, plan: &mut Plan) -> Result<(), SetupError> {
    let prefix = root.strip_prefix(&worktree.root).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let others = worktrees(worktree)?.into_iter().filter(|other| other.path != worktree.root);
    let is_shared = |path: &Path| path.join(&prefix).join(DIRECTORY).join("config.toml").is_file();
    if let Some(other) = others.into_iter().find(|other| is_shared(&other.path)) {
        plan.notes.push(format!("git's hook stays: the worktree {} is set up too", other.path.display()));
        return Ok(());
    }
    for site in Site::installed(worktree)? {
        let Some(path) = site.path() else { continue };
        let Some(text) = hook::text_of(path)? else { continue };
        let roots: Vec<String> = Site::roots(&text).into_iter().filter(|known| *known != prefix).collect();
        if roots.len() == Site::roots(&text).len() && !roots.is_empty() {
            continue;
        }
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(SetupError::Link { path: path.to_owned() });
        }
        if !roots.is_empty() {
            let after = site.put(path, Some(&text), &roots)?;
            plan.write(path.to_owned(), Some(text), after, 0o755);
            continue;
        }
        match Site::take(path, &text)? {
            Some(left) => {
                if hook::chained_beside(path).exists() {
                    let (path, kept) = (path.display(), hook::chained_beside(path));
                    plan.notes.push(format!(
                        "{path} has lines of others; the hook before it is {}",
                        kept.display()
                    ));
                }
                settle(plan, path.to_owned(), text, left, false);
            }
            None if matches!(site, Site::Shared(_)) && !made.has("hook") => {
                let left = block::around(path, &text, Marks::Hash)?
                    .map(|(before, after)| format!("{before}{after}"));
                settle(plan, path.to_owned(), text, left.unwrap_or_default(), false);
            }
            None => {
                plan.remove(path.to_owned(), text);
                let kept = hook::chained_beside(path);
                if kept.symlink_metadata().is_ok() {
                    plan.rename(kept, path.to_owned());
                }
            }
        }
    }
    if root.join(MANAGED_AT).symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(SetupError::Link { path: root.join(MANAGED_AT) });
    }
    Ok(())
}

fn settle(plan: &mut Plan, path: std::path::PathBuf, before: String, left: String, goes: bool) {
    if goes {
        plan.remove(path, before);
    } else {
        plan.write(path, Some(before), left, 0o644);
    }
}
