//! `coord requests`: who asks whom to let go, and what becomes of it.

use clap::Args;
use comfy_table::Cell;
use serde_json::json;

use super::context::{Context, now};
use super::error::Kind;
use super::output;
use super::{CliError, Done, Exit, complete, ids};
use crate::engine::Timestamp;
use crate::service::MOST_REQUESTS;
use crate::wire::{EventRow, RequestQuery, RequestRow, moment};
use crate::workspace::Env;

/// List who asks whom to let go, and what becomes of it
///
/// Without an id it lists what is not decided yet. With --json it prints an object with `requests`, a list, newest first,
/// and their `count`; with an id one with `request` and `events`, oldest first. A request has `id`, `claim_id`,
/// `requester_engineer`, `holder_engineer`, `holder_pattern`, `requested_scope`, `reason`, `urgency`, `decision`, `note`,
/// `created_at`, `decided_at` and `shortened_expires_at`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord requests\n  \
    coord requests --to-me\n  \
    coord requests 7f3a2b1c                  one, and all that happened to it\n  \
    coord requests --all --json | jq '.requests[].decision'")]
pub(super) struct RequestsArgs {
    /// Show the request with this id, or the start of one, and what happened to it
    #[arg(value_name = "ID", conflicts_with_all = ["mine", "to_me", "all"], add = complete::open_requests())]
    id: Option<String>,
    /// Show only what you asked for
    #[arg(long, conflicts_with = "to_me")]
    mine: bool,
    /// Show only what others ask of you
    #[arg(long)]
    to_me: bool,
    /// Show those that are decided, too
    #[arg(long)]
    all: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: RequestsArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    if let Some(id) = &args.id {
        return show(&mut context, id, args.json);
    }
    let me = || context.engineer().to_owned();
    let query = RequestQuery {
        decision: (!args.all).then(|| "pending".into()),
        requester: args.mine.then(me),
        holder: args.to_me.then(me),
        ..here(&context)
    };
    let list = context.client.requests(&query)?;
    if args.json {
        output::json(&list)?;
    } else if list.requests.is_empty() {
        let what = if args.all { "nobody has asked" } else { "no request is open" };
        output::note(&format!("{what} in {}", context.workspace.repo_id));
        output::hint(
            "`coord request CLAIM` asks a holder to let go; `coord requests --all` shows what is decided",
        );
    } else {
        print(&context, &list.requests, now())?;
        if list.count >= MOST_REQUESTS {
            output::note(&format!("only the newest {MOST_REQUESTS} are shown"));
        }
    }
    Ok(Exit::Ok)
}

fn here(context: &Context) -> RequestQuery {
    RequestQuery { repo: Some(context.workspace.repo_id.clone()), ..RequestQuery::default() }
}

/// The request that an id, or the start of one, means: of this repository, or by the whole of its id any.
pub(super) fn find(context: &mut Context, id: &str) -> Result<RequestRow, CliError> {
    let open = RequestQuery { decision: Some("pending".into()), ..here(context) };
    for query in [open, here(context)] {
        let rows = context.client.requests(&query)?.requests;
        if let Some(row) = ids::find(&rows, id, |row| &row.id)? {
            return Ok(row.clone());
        }
    }
    context.client.request(id)?.ok_or_else(|| {
        CliError::new(Kind::Failed, format!("no release request has the id {id}"))
            .hint("`coord requests --all` shows them")
    })
}

fn print(context: &Context, rows: &[RequestRow], now: Timestamp) -> std::io::Result<()> {
    let mut table = output::table(&["id", "who", "asks", "for", "urgency", "state", "since", "note"]);
    for row in rows {
        let note = row.note.as_deref().or(row.reason.as_deref());
        table.add_row(vec![
            Cell::new(output::short(&row.id)),
            output::cell(&context.who(&row.requester_engineer)),
            output::cell(&context.who(&row.holder_engineer)),
            output::cell(&row.holder_pattern),
            output::cell(&row.urgency),
            output::cell(&row.decision),
            output::right(output::ago(row.decided_at.as_ref().unwrap_or(&row.created_at), now)),
            output::cell(note.unwrap_or_default()),
        ]);
    }
    output::print_table(&table)
}

fn show(context: &mut Context, id: &str, json: bool) -> Done {
    let row = find(context, id)?;
    let events = context.client.events(&row.id)?.events;
    if json {
        output::json(&json!({ "request": row, "events": events }))?;
        return Ok(Exit::Ok);
    }
    for line in in_words(&row) {
        output::line(&line)?;
    }
    let mut table = output::table(&["event", "by", "since", "detail"]);
    let now = now();
    for event in &events {
        table.add_row(vec![
            output::cell(&event.event_type),
            output::cell(&event.actor_engineer.as_deref().map(|name| context.who(name)).unwrap_or_default()),
            output::right(output::ago(&event.created_at, now)),
            output::cell(&detail(event)),
        ]);
    }
    output::print_table(&table)?;
    if row.decision == "pending" && row.holder_engineer == context.engineer() {
        output::hint(&format!("`coord respond {} approve` lets go", output::short(&row.id)));
    }
    Ok(Exit::Ok)
}

/// A request in a few lines.
pub(super) fn in_words(row: &RequestRow) -> Vec<String> {
    let clean = output::clean;
    let mut lines = vec![format!(
        "{} asks {} for {} ({}), {}",
        clean(&row.requester_engineer),
        clean(&row.holder_engineer),
        clean(&row.holder_pattern),
        output::short(&row.claim_id),
        match row.decision.as_str() {
            "pending" => "not decided yet".into(),
            decision => clean(decision),
        },
    )];
    for (label, text) in [("needs", &row.requested_scope), ("why", &row.reason), ("answer", &row.note)] {
        lines.extend(text.as_deref().map(|text| format!("  {label}: {}", clean(text))));
    }
    if row.decision == "pending" {
        let left = moment(&row.shortened_expires_at).map(|at| output::left(at, now())).unwrap_or_default();
        lines.push(format!(
            "  {} urgency; the claim ends in {left} unless it is answered",
            clean(&row.urgency)
        ));
    }
    lines
}

/// What an event says beyond its name: a decision, and what came of it.
fn detail(event: &EventRow) -> String {
    let detail = event.detail.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let detail: serde_json::Value = detail.unwrap_or_default();
    let names =
        ["decision", "attempted_decision", "narrowed_pattern", "coexist_pattern", "release_kind", "note"];
    let said = names.iter().filter_map(|name| detail[*name].as_str());
    said.collect::<Vec<_>>().join(", ")
}
