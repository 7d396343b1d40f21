//! `coord worktree`: a place of one's own for each agent.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use comfy_table::Cell;
use serde::Serialize;

use super::context::Context;
use super::error::Kind;
use super::output::{self, Style};
use super::setup::Ground;
use super::{CliError, Done, Exit};
use crate::client::Client;
use crate::setup::{Setup, Tool};
use crate::workspace::{
    Env, Listed, Workspace, Worktree, add_worktree, changed_files, live_sessions, remove_worktree, worktrees,
};

/// Give an agent a worktree of its own, with its own name and session
///
/// Each worktree of a clone is another engineer, so that agents in two of them see each other's claims.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord worktree add fix-login\n  \
    coord worktree add fix-login --from origin/main ../fix-login\n  \
    coord worktree list\n  \
    coord worktree remove fix-login")]
pub(super) struct WorktreeArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a worktree, and say how to start an agent there
    Add(AddArgs),
    /// List the worktrees, who works in them, and what they hold
    List(ListArgs),
    /// Let go of what a worktree holds, and remove it
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Name of the worktree
    name: String,
    /// Put it here; otherwise into the directory CLONE-worktrees beside the clone
    path: Option<PathBuf>,
    /// Check out this branch, which is made unless it is there; otherwise one of the worktree's name
    #[arg(long)]
    branch: Option<String>,
    /// Start a new branch here; otherwise at the current commit
    #[arg(long, value_name = "REF")]
    from: Option<String>,
    /// Print what was made as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// Name or path of the worktree
    name: String,
    /// Remove it even if changes in it would be lost
    #[arg(long)]
    force: bool,
}

/// A worktree and who works in it.
#[derive(Serialize)]
struct Place {
    name: String,
    path: PathBuf,
    branch: Option<String>,
    engineer: String,
    session_id: String,
    claims: usize,
}

pub(super) fn run(args: WorktreeArgs, env: &Env) -> Done {
    match args.action {
        Action::Add(args) => add(args, env),
        Action::List(args) => list(args, env),
        Action::Remove(args) => remove(&args, env),
    }
}

/// The environment as another worktree has it: this one's session is not its.
fn elsewhere(env: &Env) -> Env {
    env.with("COORD_SESSION_ID", "").with("COORD_ENGINEER", "")
}

fn add(args: AddArgs, env: &Env) -> Done {
    let is_name =
        !args.name.is_empty() && !args.name.contains(['/', '\\']) && !args.name.starts_with(['-', '.']);
    if !is_name {
        let error = format!("`{}` is no name for a directory", output::clean(&args.name));
        return Err(
            CliError::new(Kind::Usage, error).hint("take letters, digits and dashes, such as fix-login")
        );
    }
    let ground = Ground::find_set_up(None)?;
    let path = match &args.path {
        Some(path) => std::env::current_dir()?.join(path),
        None => beside(&main_of(&ground)?).join(&args.name),
    };
    let branch = args.branch.as_deref().unwrap_or(&args.name);
    add_worktree(&ground.worktree, &path, branch, args.from.as_deref())?;
    let workspace = Workspace::open(&path, &elsewhere(env))?;
    if args.json {
        output::json(&Place {
            name: args.name,
            path: workspace.worktree.root,
            branch: workspace.worktree.branch,
            engineer: workspace.identity.engineer,
            session_id: workspace.identity.session_id,
            claims: 0,
        })?;
        return Ok(Exit::Ok);
    }
    let shown = workspace.worktree.root.display().to_string();
    output::line(&format!("{} {} on branch {branch}", Style::Good.paint("added"), output::clean(&shown)))?;
    output::line(&format!("who works there is {}", output::clean(&workspace.identity.engineer)))?;
    let recorded =
        Setup::recorded(&ground.root).ok().flatten().map(|recorded| recorded.tools).unwrap_or_default();
    let tools = if recorded.is_empty() { vec![Tool::Claude] } else { recorded };
    let starts: Vec<_> =
        tools.iter().map(|tool| format!("`cd {} && {}`", output::quoted(&shown), tool.command())).collect();
    output::hint(&format!("start an agent there: {}", starts.join(" or ")));
    Ok(Exit::Ok)
}

/// The main worktree of the clone.
fn main_of(ground: &Ground) -> Result<PathBuf, CliError> {
    let all = worktrees(&ground.worktree)?;
    Ok(all.into_iter().find(|listed| listed.is_main).map_or(ground.worktree.root.clone(), |main| main.path))
}

/// Where worktrees of a clone go: not among other clones, whose names they might have.
fn beside(main: &Path) -> PathBuf {
    let mut name = main.file_name().unwrap_or_default().to_owned();
    name.push("-worktrees");
    main.with_file_name(name)
}

fn list(args: ListArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let query = context.query();
    let rows = context.client.claims(&query)?.claims;
    let mut places = Vec::new();
    for listed in worktrees(&context.workspace.worktree)? {
        let workspace = Workspace::open(&listed.path, &elsewhere(env))?;
        let (engineer, session_id) = (workspace.identity.engineer, workspace.identity.session_id);
        let holds = rows
            .iter()
            .filter(|row| row.engineer == engineer || row.session_id.as_deref() == Some(session_id.as_str()));
        let claims = holds.count();
        let (name, path, branch) = (listed.name(), listed.path, listed.branch);
        places.push(Place { name, path, branch, engineer, session_id, claims });
    }
    if args.json {
        output::json(&places)?;
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["name", "branch", "engineer", "claims", "path"]);
    for place in &places {
        table.add_row(vec![
            output::cell(&place.name),
            output::cell(place.branch.as_deref().unwrap_or("(detached)")),
            output::cell(&place.engineer),
            Cell::new(place.claims),
            output::cell(&place.path.display().to_string()),
        ]);
    }
    output::print_table(&table)?;
    Ok(Exit::Ok)
}

fn remove(args: &RemoveArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let listed = named(&context.workspace.worktree, &args.name)?;
    let failed = |what: &str| CliError::new(Kind::Failed, format!("{} {what}", listed.path.display()));
    if listed.is_main {
        return Err(
            failed("is the main worktree of the clone").hint("`coord worktree list` shows the others")
        );
    }
    let workspace = Workspace::open(&listed.path, &elsewhere(env))?;
    let worktree = &workspace.worktree;
    if !args.force && !changed_files(worktree)?.is_empty() {
        let name = output::quoted(&args.name);
        return Err(failed("has changes that would be lost")
            .hint(format!("commit them there, or lose them: `coord worktree remove {name} --force`")));
    }
    let mut sessions = live_sessions(&listed.path);
    sessions.push(workspace.identity.session_id.clone());
    if env.get("COORD_ENGINEER").is_some() {
        let named = Workspace::open(&listed.path, &env.with("COORD_SESSION_ID", ""))?;
        sessions.push(named.identity.session_id);
    }
    let released = release(&mut context.client, &sessions)?;
    remove_worktree(worktree, args.force)?;
    let shown = output::clean(&listed.path.display().to_string());
    output::line(&format!("{} {shown}", Style::Good.paint("removed")))?;
    output::line(&format!("{} let go", output::count(released, "claim")))?;
    if let Some(branch) = &listed.branch {
        output::hint(&format!("its branch is still there: `git branch -d {}`", output::quoted(branch)));
    }
    Ok(Exit::Ok)
}

fn release(client: &mut Client, sessions: &[String]) -> Result<usize, CliError> {
    let mut released = 0;
    for session in sessions {
        released += client.release_session(session)?.released;
    }
    Ok(released)
}

/// The worktree of a name or a path.
fn named(worktree: &Worktree, name: &str) -> Result<Listed, CliError> {
    let all = worktrees(worktree)?;
    let path = Path::new(name).canonicalize().ok();
    let by_path = all.iter().position(|listed| Some(&listed.path) == path.as_ref());
    let by_name: Vec<usize> = (0..all.len()).filter(|&at| all[at].name() == name).collect();
    let at = match (by_path, by_name.as_slice()) {
        (Some(at), _) => at,
        (None, [at]) => *at,
        (None, []) => {
            return Err(CliError::new(Kind::Failed, format!("there is no worktree {}", output::clean(name)))
                .hint("`coord worktree list` shows them"));
        }
        (None, _) => {
            return Err(CliError::new(
                Kind::Usage,
                format!("several worktrees are called {}", output::clean(name)),
            )
            .hint("give the path of the one you mean; `coord worktree list` shows it"));
        }
    };
    Ok(all.into_iter().nth(at).expect("it was found in the list"))
}
