//! `coord ownership push`: let the rules of a file count.

use std::path::PathBuf;

use clap::Args;

use super::{in_short, path, read, refused};
use crate::cli::context::client_anywhere;
use crate::cli::output::{self, Style};
use crate::cli::{Done, Exit};
use crate::ownership::Rules;
use crate::workspace::Env;

/// The most entries that a warning names.
const MOST_NAMED: usize = 3;

/// Check rules, and let them count from now on in place of those before
///
/// They go to the service, or stay in the clone where no service is configured.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership push\n  \
    coord ownership push owners.yaml")]
pub(super) struct PushArgs {
    /// Take the rules from this file [default: the rules of the clone]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) fn run(args: PushArgs, env: &Env) -> Done {
    let path = path(args.file)?;
    let (file, text) = (path.display().to_string(), read(&path)?);
    let rules = Rules::parse_upload(&text).map_err(|error| refused(file.clone(), &error))?;
    let mut client = client_anywhere(env, "set the rules of a service")?;
    let before = client.ownership()?;
    client.set_ownership(&text)?;
    let what = format!("{}: {}", output::clean(&file), in_short(&rules));
    output::line(&format!("{} {what}", Style::Good.paint("pushed")))?;
    // Those before may have been anything; only what they shared by themselves is of interest.
    if let Some(before) = before.and_then(|text| Rules::parse(&text).ok()) {
        warn_of_lost(&before, &rules);
    }
    Ok(Exit::Ok)
}

/// What was shared by itself is in no file until somebody pulls it.
fn warn_of_lost(before: &Rules, after: &Rules) {
    let is_lost = |text: &str| !after.shared().iter().any(|entry| entry.text() == text);
    let automatic = before.shared().iter().filter(|entry| entry.auto_promoted.is_some());
    let lost: Vec<&str> = automatic.map(|entry| entry.text()).filter(|text| is_lost(text)).collect();
    if lost.is_empty() {
        return;
    }
    let named: Vec<String> = lost.iter().take(MOST_NAMED).map(|text| output::clean(text)).collect();
    let more = lost.len() - named.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    output::warn(&format!("no longer shared, though promoted by itself: {}{more}", named.join(", ")));
    output::hint("`coord ownership pull` before a change keeps such entries");
}
