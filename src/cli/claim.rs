//! `coord claim`: take scopes, or learn who has them.

use std::time::Duration;

use clap::Args;

use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::waiting::Wait;
use super::{CliError, Done, Exit, complete, refused};
use crate::engine::Policy;
use crate::pattern::Pattern;
use crate::service::{claim_command, unknown_symbols};
use crate::wire::{ClaimItem, ClaimReply, ClaimRequest, moment};
use crate::workspace::{Env, Target, tracked_files};

/// How much of a hurry one can be in.
pub(super) const URGENCIES: [&str; 4] = ["low", "normal", "high", "blocking"];

/// Claim files, directories or globs before you edit them
///
/// All of them are granted, or none. An argument that names an existing file means that one file; a directory, or a name
/// without an extension, means all that is beneath it; anything else is a glob. All are taken from the current directory; a
/// leading / starts at the root of the repository.
///
/// With --wait it stands in the queue until all of it is free, or the time is up; Ctrl-C leaves the queue. A wide claim
/// does not hold back narrow ones meanwhile.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord claim 'src/auth/**' -m 'login form'\n  \
    coord claim src/auth/login.ts docs --ttl 90m\n  \
    coord claim src/api.ts --wait 10m                 wait if somebody has it\n  \
    coord claim src/api.ts --shared package-lock.json\n  \
    coord claim 'src/router.ts::Router::handleAuth'   only that method\n  \
    coord claim src/router.ts --symbol Router::get --symbol parse")]
pub(super) struct ClaimArgs {
    /// Claim these files, directories or globs; FILE::NAME claims one symbol of a file
    #[arg(value_name = "PATTERN", required_unless_present_any = ["shared", "module"], add = complete::files())]
    patterns: Vec<String>,
    /// Claim a file that everybody touches, beside others who claim it as shared
    #[arg(long, value_name = "PATTERN", add = complete::files())]
    shared: Vec<String>,
    /// Claim a module that nobody may take single symbols out of
    #[arg(long, value_name = "PATTERN", add = complete::files())]
    module: Vec<String>,
    /// Claim only these declarations of the files, as in Router::handleAuth; may be repeated
    #[arg(long, value_name = "NAME", requires = "patterns", conflicts_with_all = ["shared", "module"])]
    symbol: Vec<String>,
    /// Hold it for so long, as in 90m, 4h or 2d, unless released before
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    ttl: Option<Duration>,
    /// Wait for so long, as in 90s or 10m, if somebody has it
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    wait: Option<Duration>,
    /// Stand in the queue before those who are in less of a hurry
    #[arg(long, value_name = "WORD", requires = "wait", value_parser = URGENCIES)]
    urgency: Option<String>,
    /// Tell others what you are doing
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Tell others the branch you work on, if it is not the one checked out
    #[arg(long)]
    branch: Option<String>,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ClaimArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let mut items = Vec::new();
    for (kind, patterns) in
        [("file", &args.patterns), ("shared_file", &args.shared), ("module", &args.module)]
    {
        for pattern in patterns {
            items.push(item(kind, with_symbols(context.target(pattern)?, pattern, &args.symbol)?));
        }
    }
    let request = ClaimRequest {
        engineer: context.engineer().into(),
        branch: args.branch.clone().or_else(|| context.workspace.worktree.branch.clone()),
        description: args.message.clone().filter(|text| !text.trim().is_empty()),
        claims: items,
        ttl_secs: args.ttl.map(|ttl| ttl.as_secs()),
        repo: Some(context.workspace.repo_id.clone()),
        session_id: Some(context.session().into()),
        urgency: args.urgency.clone(),
        ..ClaimRequest::default()
    };
    if env.get("COORD_DISABLE_CLIENT_VALIDATION") != Some("1") {
        refuse_slips(&context, &request)?;
    }
    let reply = match args.wait {
        None => context.client.claim(&request)?,
        Some(patience) => wait(&mut context, &request, patience, args.json)?,
    };
    let granted = !reply.claim_ids.is_empty();
    if args.json {
        output::json(&reply)?;
    } else if granted {
        granted_in_words(&context, &request, &reply)?;
    } else {
        refused::in_words(&reply, &typed(&args), args.wait.is_some(), now());
    }
    Ok(if granted { Exit::Ok } else { Exit::Conflict })
}

/// Claims, and waits in the queue if somebody has it.
fn wait(
    context: &mut Context,
    request: &ClaimRequest,
    patience: Duration,
    json: bool,
) -> Result<ClaimReply, CliError> {
    let mut wait = Wait::new(patience, json);
    let reply = context.client.claim_or_wait(request, patience, &mut |waiting| wait.show(waiting));
    wait.end();
    Ok(reply?)
}

/// The command as it can be typed again, without the wait.
fn typed(args: &ClaimArgs) -> String {
    let mut words = vec!["coord claim".to_owned()];
    words.extend(args.patterns.iter().map(|pattern| output::quoted(pattern)));
    let mut option = |name: &str, value: &str| words.push(format!("--{name} {}", output::quoted(value)));
    args.shared.iter().for_each(|pattern| option("shared", pattern));
    args.module.iter().for_each(|pattern| option("module", pattern));
    args.symbol.iter().for_each(|symbol| option("symbol", symbol));
    if let Some(ttl) = args.ttl {
        option("ttl", &format!("{}s", ttl.as_secs()));
    }
    if let Some(branch) = &args.branch {
        option("branch", branch);
    }
    if let Some(text) = &args.message {
        option("message", text);
    }
    words.join(" ")
}

fn item(kind: &str, target: Target) -> ClaimItem {
    ClaimItem {
        claim_type: kind.into(),
        pattern: target.text,
        literal: target.literal,
        symbols: (!target.symbols.is_empty()).then_some(target.symbols),
        narrowable: None,
    }
}

/// Adds the symbols of `--symbol` to what they belong to.
fn with_symbols(mut target: Target, argument: &str, symbols: &[String]) -> Result<Target, CliError> {
    if !symbols.is_empty() && target.text.ends_with('/') {
        return Err(CliError::new(Kind::Usage, format!("{argument} is a directory, which has no symbols"))
            .hint("name a file, or a glob of files such as 'src/*.ts'"));
    }
    target.symbols.extend_from_slice(symbols);
    Ok(target)
}

/// Compares symbols with the source before anybody is asked.
fn refuse_slips(context: &Context, request: &ClaimRequest) -> Result<(), CliError> {
    // What is wrong with a pattern is told by whoever grants it.
    let Ok(wanted) = claim_command(request) else { return Ok(()) };
    match unknown_symbols(&context.workspace.worktree.root, &wanted) {
        None => Ok(()),
        Some(slip) => Err(CliError::new(Kind::Usage, slip).hint(
            "`coord symbols FILE` lists them all; COORD_DISABLE_CLIENT_VALIDATION=1 takes them on trust",
        )),
    }
}

/// What a claim covers, as one writes it: its pattern, and its symbols behind it. Others may have written them.
pub(super) fn scope(pattern: &str, symbols: Option<&[String]>) -> String {
    output::clean(&match symbols {
        None => pattern.into(),
        Some([symbol]) => format!("{pattern}::{symbol}"),
        Some(symbols) => format!("{pattern}::{{{}}}", symbols.join(", ")),
    })
}

fn granted_in_words(context: &Context, request: &ClaimRequest, reply: &ClaimReply) -> Result<(), CliError> {
    let now = now();
    let left = |at: &str| moment(at).map(|at| output::left(at, now));
    for (place, (item, id)) in request.claims.iter().zip(&reply.claim_ids).enumerate() {
        let granted = reply.granted.get(place);
        let time = granted.and_then(|granted| left(&granted.expires_at)).map(|time| format!(" for {time}"));
        let what = scope(&item.pattern, item.symbols.as_deref());
        let line =
            format!("{} {what} {}", Style::Good.paint("claimed"), Style::Faint.paint(&output::short(id)));
        output::line(&(line + &time.unwrap_or_default()))?;
        if granted.is_some_and(|granted| !granted.coexists_with.is_empty()) {
            output::note("  beside other claims on the same file; `coord claims` shows them");
        }
    }
    let silence = reply.granted.iter().find_map(|granted| left(granted.idle_expires_at.as_deref()?));
    if let Some(silence) = silence {
        output::note(&format!("  let go after {silence} without a coord command in this worktree"));
    }
    for warning in &reply.warnings {
        output::warn(&output::clean(warning));
    }
    if matches!(context.client, crate::client::Client::Embedded(_)) {
        warn_of_misses(context, request);
    }
    Ok(())
}

/// A pattern that covers nothing yet may be a slip. The service says so itself where it sees a checkout.
fn warn_of_misses(context: &Context, request: &ClaimRequest) {
    let globs = request.claims.iter().filter(|item| !item.literal).map(|item| &item.pattern);
    let globs: Vec<Pattern> = globs.filter_map(|text| Pattern::parse(text).ok()).collect();
    if globs.is_empty() {
        return;
    }
    // Without a list of files there is nothing to compare with; the claim stands all the same.
    let Ok(files) = tracked_files(&context.workspace.worktree, None) else { return };
    for glob in globs.iter().filter(|glob| !files.iter().any(|file| glob.matches(file))) {
        output::warn(&format!("{} matches no tracked file yet", output::clean(glob.text())));
    }
}

/// A lifetime as people write it.
pub(super) fn ttl(text: &str) -> Result<Duration, String> {
    let write_it = || "write it as in 90m, 4h, 2h 30m or 2d".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| write_it())?;
    let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| write_it())?;
    let span = Duration::try_from(span).map_err(|_| "it must be longer than nothing".to_owned())?;
    match span {
        span if span < Duration::from_secs(1) => Err("it must be a second at least".into()),
        span if span > Policy::LONGEST_TTL => Err("it must be ten years at most".into()),
        span => Ok(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        for (text, secs) in
            [("4h", 14_400), ("90m", 5400), ("1h30m", 5400), ("1h 30m", 5400), ("45s", 45), ("2d", 172_800)]
        {
            assert_eq!(ttl(text), Ok(Duration::from_secs(secs)), "{text}");
        }
        for text in ["4", "", "-1h", "0s", "soon", "99999999h", "100ms", "1 month"] {
            assert!(ttl(text).is_err(), "{text}");
        }
    }
}
