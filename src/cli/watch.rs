//! `coord watch`: what happens, as it happens.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::{Done, log, output};
use crate::client::Told;
use crate::wire::{EventQuery, Snapshot};
use crate::workspace::Env;

/// How long to wait before a service is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Tell what happens as it happens: claims, waits, requests, and how they end
///
/// It goes on until Ctrl-C. A service that restarts is asked again, and nothing is left out or told twice. With --json
/// each event is one line: an object with `revision`, `at`, `type`, `repo` and what belongs to its type. If --since is older
/// than what is kept, an object of type `snapshot` says first how things stand.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord watch\n  \
    coord watch --since 0             everything that is still known, then go on\n  \
    coord watch --json --all-repos | jq -c 'select(.type == \"claim_refused\")'")]
pub(super) struct WatchArgs {
    /// Begin after this revision, and not now
    #[arg(long, value_name = "REV")]
    since: Option<u64>,
    /// Watch this repository
    #[arg(long, value_name = "ID")]
    repo: Option<String>,
    /// Watch every repository
    #[arg(long, conflicts_with = "repo")]
    all_repos: bool,
    /// Print each event as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: WatchArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let own = || context.workspace.repo_id.clone();
    let repo = (!args.all_repos).then(|| args.repo.clone().unwrap_or_else(own));
    let mut events =
        context.client.follow(EventQuery { since: args.since, repo, ..EventQuery::default() })?;
    let (mut has_worked, mut is_away) = (false, false);
    loop {
        match events.wait() {
            Ok(Told::Connected) if is_away => output::note("the service answers again"),
            Ok(Told::Connected) => {}
            Ok(Told::Event(event)) if args.json => output::line(&serde_json::to_string(&event)?)?,
            Ok(Told::Event(event)) => output::line(&log::in_words(&event, args.all_repos))?,
            Ok(Told::Snapshot(snapshot)) => tell(&snapshot, args.json)?,
            // Once it has worked, it will again.
            Err(error) if has_worked && error.may_pass() => {
                if !is_away {
                    output::warn(&format!("{error}; asking again"));
                }
                is_away = true;
                std::thread::sleep(AGAIN);
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        (has_worked, is_away) = (true, false);
    }
}

fn tell(snapshot: &Snapshot, json: bool) -> std::io::Result<()> {
    if json {
        let mut value = json!(snapshot);
        value["type"] = Value::from("snapshot");
        return output::line(&value.to_string());
    }
    output::line(&format!(
        "what came before revision {} is no longer known; held: {}, waiting: {}, open requests: {}",
        snapshot.revision,
        snapshot.claims.len(),
        snapshot.queue.len(),
        snapshot.requests.len(),
    ))
}
