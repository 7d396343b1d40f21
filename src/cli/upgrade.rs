//! `coord upgrade`: what coord wrote into a clone, as this version writes it.

use std::path::PathBuf;

use clap::Args;

use super::error::Kind;
use super::setup::Ground;
use super::{CliError, Done, Exit};
use crate::workspace::Env;

/// Bring what `coord init` wrote up to date with this version
///
/// Blocks, entries and hooks are rewritten; the token, the ownership rules and what others wrote stay.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord upgrade\n  \
    coord upgrade --root services/api --json")]
pub(super) struct UpgradeArgs {
    /// Upgrade this directory of the repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: UpgradeArgs, env: &Env) -> Done {
    let ground = Ground::find_set_up(args.root.as_deref())?;
    let Some(setup) = ground.recorded(env)? else {
        let error =
            format!("{} has not been set up: it has no .coordination/config.toml", ground.root.display());
        return Err(CliError::new(Kind::Failed, error).hint("`coord init` sets it up"));
    };
    ground.apply(&setup.plan()?, args.json)?;
    Ok(Exit::Ok)
}
