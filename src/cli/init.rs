//! `coord init`: a clone whose tools know of coord.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::error::Kind;
use super::setup::{Ground, ask, confirm, declined, is_asked, is_executable, on_path};
use super::{CliError, Done, Exit, output};
use crate::setup::{Plan, Recorded, Service, Setup, Tool, committed_for_service};
use crate::workspace::{Env, Mode, Settings, WorkspaceError, is_loopback, usable_service_url};

/// Set this clone up for agents and their tools, with a check before each push
///
/// Committed files get placeholders only. The address and the token of a service go to .coordination/local.env, which git
/// ignores. What others wrote into a file stays as it is, and a second run changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord init                          ask on a terminal, or find out\n  \
    coord init --tool claude --tool codex --yes\n  \
    coord init --mode remote --service-url https://coord.example\n  \
    coord init --root services/api      one part of a repository")]
pub(super) struct InitArgs {
    /// Set up for this tool; may be given several times. Those in use are found by their files
    #[arg(long, value_name = "TOOL")]
    tool: Vec<Tool>,
    /// Keep claims in the clone, at this machine's service, or at a remote one
    #[arg(long)]
    mode: Option<ModeName>,
    /// Address of the service
    #[arg(long, value_name = "URL")]
    service_url: Option<String>,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Install no hook
    #[arg(long)]
    no_hook: bool,
    /// Do not have the tools claim what their agents are about to edit
    #[arg(long)]
    no_guard: bool,
    /// Write no ownership rules
    #[arg(long)]
    no_owners: bool,
    /// Write ownership rules anew where there are some
    #[arg(long)]
    force: bool,
    /// Set up this directory of the repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

/// Where claims are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// In the clone, with nothing to start
    Embedded,
    /// At the service that `coord start` runs on this machine
    Local,
    /// At a service elsewhere
    Remote,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Mode {
        match name {
            ModeName::Embedded => Mode::Embedded,
            ModeName::Local => Mode::Local,
            ModeName::Remote => Mode::Remote,
        }
    }
}

pub(super) fn run(args: InitArgs, env: &Env) -> Done {
    let ground = Ground::find(args.root.as_deref())?;
    let asks = !args.yes && !args.json && is_asked();
    let settings = settings(&ground, &args, env)?;
    let recorded = Setup::recorded(&ground.root)?;
    let tools = tools(&args, &ground, recorded.map(|recorded| recorded.tools), asks)?;
    let service = service(&args, &ground, settings.as_ref(), asks, env)?;
    let wanted = Recorded { tools, hook: !args.no_hook, guard: !args.no_guard };
    let mut setup = ground.setup(wanted, service, settings.as_ref(), env);
    (setup.owners, setup.force) = (!args.no_owners, args.force);
    let mut plan = setup.plan()?;
    note_missing_bridge(&mut plan, env);
    if asks && !plan.is_done() {
        ground.announce(&plan, "coord init: what will be in");
        if !confirm("Write this?", true)? {
            return Ok(declined());
        }
    }
    plan.apply()?;
    if args.json {
        let mut value = ground.as_json(&plan);
        value["mode"] = json!(mode_name(setup.service.mode));
        value["tools"] = json!(setup.tools);
        output::json(&value)?;
        return Ok(Exit::Ok);
    }
    ground.tell(&plan)?;
    let committed = ground.committed(&plan);
    if !committed.is_empty() {
        output::hint(&format!("commit what is for every clone: `git add {}`", committed.join(" ")));
    }
    output::hint("`coord doctor` checks all of it");
    Ok(Exit::Ok)
}

/// What is configured; nothing where it is what the arguments are there to mend.
fn settings(ground: &Ground, args: &InitArgs, env: &Env) -> Result<Option<Settings>, CliError> {
    match ground.settings(env) {
        Err(WorkspaceError::ServiceUrlMissing { .. })
            if args.service_url.is_some() || args.mode.is_some() =>
        {
            Ok(None)
        }
        settings => Ok(Some(settings?)),
    }
}

fn tools(
    args: &InitArgs,
    ground: &Ground,
    recorded: Option<Vec<Tool>>,
    asks: bool,
) -> Result<Vec<Tool>, CliError> {
    let mut tools = args.tool.clone();
    if tools.is_empty() {
        tools = recorded.filter(|tools| !tools.is_empty()).unwrap_or_else(|| Tool::in_use(&ground.root));
        if tools.is_empty() {
            tools.push(Tool::Claude);
        }
        if asks {
            let found: Vec<_> = tools.iter().map(|tool| tool.name()).collect();
            let answer = ask("Set up for which tools (claude, codex, cursor)?", &found.join(" "))?;
            let words = answer.split([' ', ',']).filter(|word| !word.is_empty());
            tools = words
                .map(|word| {
                    Tool::named(&word.to_ascii_lowercase()).ok_or_else(|| {
                        CliError::new(Kind::Usage, format!("`{word}` is not claude, codex or cursor"))
                    })
                })
                .collect::<Result<_, _>>()?;
        }
    }
    tools.sort_unstable();
    tools.dedup();
    Ok(tools)
}

fn service(
    args: &InitArgs,
    ground: &Ground,
    settings: Option<&Settings>,
    asks: bool,
    env: &Env,
) -> Result<Service, CliError> {
    let usage = |what: String| CliError::new(Kind::Usage, what);
    let checked = |url: &str| {
        usable_service_url(url)
            .map(String::from)
            .map_err(|problem| usage(format!("--service-url is not a usable service address: {problem}")))
    };
    let mut url = args.service_url.as_deref().map(checked).transpose()?;
    let mode = match (args.mode, &url) {
        (Some(mode), _) => mode.into(),
        (None, Some(url)) if is_loopback(url) => Mode::Local,
        (None, Some(_)) => Mode::Remote,
        (None, None) => {
            let mode = ground.mode(settings)?;
            let of_team = if ground.is_new() && mode == Mode::Embedded {
                committed_for_service(&ground.root)?
            } else {
                None
            };
            match of_team {
                Some(_) if asks => ask_mode(Mode::Remote)?,
                None if asks => ask_mode(mode)?,
                Some(file) => {
                    return Err(usage(format!("{file} is for a service, and nothing says where that is"))
                        .hint("`coord init --mode remote --service-url https://HOST`; `coord init --mode embedded` does without it, and changes that file"));
                }
                None => mode,
            }
        }
    };
    if mode == Mode::Embedded && url.is_some() {
        return Err(usage("--service-url makes no sense with --mode embedded".into())
            .hint("leave one of them out: `coord init --mode remote --service-url URL`"));
    }
    loop {
        if let Some(service) = ground.service(mode, url.as_deref(), settings, env)? {
            return Ok(service);
        }
        let answer = if asks { ask("Address of the service?", "")? } else { String::new() };
        if answer.is_empty() {
            return Err(usage("--mode remote needs the address of the service".into())
                .hint("`coord init --mode remote --service-url https://HOST`"));
        }
        url = Some(checked(&answer)?);
    }
}

fn ask_mode(default: Mode) -> Result<Mode, CliError> {
    let answer = ask(
        "Keep claims in the clone (embedded), at this machine's service (local) or at another (remote)?",
        mode_name(default),
    )?;
    ModeName::from_str(&answer, true)
        .map(Mode::from)
        .map_err(|_| CliError::new(Kind::Usage, format!("`{answer}` is not embedded, local or remote")))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Embedded => "embedded",
        Mode::Local => "local",
        Mode::Remote => "remote",
    }
}

/// The tools start `coord-mcp` by its name, because what they read is committed.
fn note_missing_bridge(plan: &mut Plan, env: &Env) {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name("coord-mcp"));
    for program in ["coord", "coord-mcp"] {
        if on_path(program, env).is_none() {
            let place = beside.as_deref().filter(|path| is_executable(path)).and_then(|path| path.parent());
            let place = place.map_or("its directory".into(), |place| place.display().to_string());
            let who = if program == "coord" { "agents and people type" } else { "the tools start" };
            plan.notes
                .push(format!("{program} is not on PATH, but {who} it by that name: add {place} to PATH"));
        }
    }
}
