//! `coord uninit`: a clone as it was before `coord init`.

use std::path::PathBuf;

use clap::Args;

use super::error::Kind;
use super::setup::{Ground, confirm, declined, is_asked};
use super::{CliError, Done, Exit, output};
use crate::setup::removal;

/// Take everything out of this clone that `coord init` put in
///
/// Others' content stays byte for byte, and a hook that was there before comes back. The ownership rules stay unless --yes and
/// --force are both given. Claims are not touched.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord uninit\n  \
    coord uninit --yes            ask nothing; the ownership rules stay\n  \
    coord uninit --yes --force    take them away too")]
pub(super) struct UninitArgs {
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Take the ownership rules away too
    #[arg(long, requires = "yes")]
    force: bool,
    /// Take it out of this directory of the repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print what was changed as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: UninitArgs) -> Done {
    let ground = Ground::find_set_up(args.root.as_deref())?;
    let plan = removal(&ground.worktree, &ground.root, args.yes && args.force)?;
    if plan.changes.is_empty() {
        output::note(&format!("{} holds nothing of coord", ground.root.display()));
        return Ok(Exit::Ok);
    }
    if !args.yes {
        ground.announce(&plan, "coord uninit: what changes in");
        if !is_asked() {
            return Err(CliError::new(Kind::Usage, "this takes away the token and settings of this clone")
                .hint("if that is meant: `coord uninit --yes`"));
        }
        if !confirm("Do this? It takes away .coordination with the token.", false)? {
            return Ok(declined());
        }
    }
    ground.apply(&plan, args.json)?;
    Ok(Exit::Ok)
}
