//! `coord dashboard`: the service's page, logged in.

use clap::Args;

use super::context::configured_service;
use super::error::Kind;
use super::start::open_in_browser;
use super::{CliError, Done, Exit, output};
use crate::workspace::Env;

/// Open the service's dashboard in a browser, logged in
///
/// The address has a code that lets one browser in, once and within a minute; the token stays here.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord dashboard\n  \
    coord dashboard --print       only print the address, for a browser elsewhere")]
pub(super) struct DashboardArgs {
    /// Print the address, and open nothing
    #[arg(long)]
    print: bool,
}

pub(super) fn run(args: DashboardArgs, env: &Env) -> Done {
    let Some(remote) = configured_service(env)? else {
        let error =
            CliError::new(Kind::Failed, "only a service has a dashboard, and none is configured here");
        return Err(error.hint("`coord start` starts one; set COORD_API_URL to use one that runs"));
    };
    let url = remote.dashboard_url()?;
    if args.print {
        output::line(&url)?;
    } else {
        open_in_browser(&url);
        output::note(&format!("the dashboard of {} opens in your browser", remote.url()));
    }
    Ok(Exit::Ok)
}
