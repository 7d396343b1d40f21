//! `coord status`: where claims are kept, and whether that works.

use clap::Args;
use serde_json::json;

use super::claims::is_mine;
use super::context::{Context, configured_service};
use super::local_service::{Home, Recorded};
use super::output::{self, Style};
use super::{CliError, Done, Exit};
use crate::client::{Client, Remote};
use crate::wire::ClaimList;
use crate::workspace::{Env, Settings};

/// Show where claims are kept, whether that works, and who you are to it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord status\n  \
    coord status --json | jq -r .engineer")]
pub(super) struct StatusArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: StatusArgs, env: &Env) -> Done {
    let local = local_service(env)?;
    let mut context = match Context::open(env) {
        Err(error) if error.is_not_a_clone() => return outside(args, local, env),
        context => context?,
    };
    let service = match &context.client {
        Client::Remote(remote) => Some(ready(remote)?),
        Client::Embedded(_) => None,
    };
    let all = context.client.claims(&context.query())?;
    let mine = all.claims.iter().filter(|row| is_mine(&context, row)).count();
    if args.json {
        output::json(&as_json(&context, service.as_ref(), local.as_deref(), &all, mine))?;
        return Ok(Exit::Ok);
    }
    in_words(&context, service.as_ref(), &all, mine)?;
    if let Some(url) = local.filter(|url| service.is_none_or(|service| service.url != *url)) {
        output::line(&format!("Local service   {url} runs, but is not used here"))?;
    }
    Ok(Exit::Ok)
}

/// Where the service runs that `coord start --background` left running, if it does.
fn local_service(env: &Env) -> Result<Option<String>, CliError> {
    let cwd = std::env::current_dir()?;
    let home = Home::new(Settings::home(&cwd, env));
    Ok(match home.recorded()? {
        Recorded::Alive(running) => Some(running.url).filter(|url| !url.is_empty()),
        _ => None,
    })
}

/// There is no clone here, but there may be a service: the one that is configured, or this machine's.
fn outside(args: StatusArgs, local: Option<String>, env: &Env) -> Done {
    let service = configured_service(env)?.map(|remote| ready(&remote)).transpose()?;
    if args.json {
        let url = service.as_ref().map(|service| &service.url).or(local.as_ref());
        output::json(&json!({
            "mode": url.map(|_| "service"),
            "service_url": url,
            "service_version": service.as_ref().map(|service| &service.version),
            "local_service_url": local,
        }))?;
        return Ok(Exit::Ok);
    }
    if let Some(service) = &service {
        output::line(&format!("Claims kept in  {}", service.in_words()))?;
    }
    match local {
        Some(url) => output::line(&format!("Local service   {url}"))?,
        None if service.is_none() => {
            output::line("no service runs on this machine, and this is no clone")?;
            output::hint("in a clone nothing has to run; `coord start --background` starts a service");
            return Ok(Exit::Ok);
        }
        None => {}
    }
    output::hint("go into a clone to see its claims");
    Ok(Exit::Ok)
}

/// A service that is ready.
struct Service {
    url: String,
    version: String,
}

impl Service {
    fn in_words(&self) -> String {
        format!("{} {} (coord {})", self.url, Style::Good.paint("ready"), output::clean(&self.version))
    }
}

fn ready(remote: &Remote) -> Result<Service, CliError> {
    Ok(Service { url: remote.url().into(), version: remote.ready()?.version })
}

fn as_json(
    context: &Context,
    service: Option<&Service>,
    local: Option<&str>,
    all: &ClaimList,
    mine: usize,
) -> serde_json::Value {
    json!({
        "mode": if service.is_some() { "service" } else { "embedded" },
        "service_url": service.map(|service| &service.url),
        "service_version": service.map(|service| &service.version),
        "database_path": service.is_none().then(|| context.workspace.database_path()),
        "repo": context.workspace.repo_id,
        "engineer": context.engineer(),
        "session_id": context.session(),
        "active_claims": all.count,
        "my_claims": mine,
        "local_service_url": local,
    })
}

fn in_words(
    context: &Context,
    service: Option<&Service>,
    all: &ClaimList,
    mine: usize,
) -> std::io::Result<()> {
    let kept = match service {
        Some(service) => service.in_words(),
        None => format!("{} (this clone alone)", context.workspace.database_path().display()),
    };
    output::line(&format!("Claims kept in  {kept}"))?;
    if let Some(url) = &context.workspace.settings.service_url {
        output::line(&format!("  because of    {}", url.source))?;
    }
    output::line(&format!(
        "Repository      {} (from {})",
        output::clean(&context.workspace.repo_id),
        context.workspace.repo_id_source()
    ))?;
    output::line(&format!("You are         {}", output::clean(context.engineer())))?;
    output::line(&format!("Session         {}", output::clean(context.session())))?;
    output::line(&format!("Active claims   {}, {mine} of them yours", all.count))
}
