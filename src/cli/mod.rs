//! The command line: one file per command, with its arguments directly above its `run`.
//!
//! Only this module prints, reads the process environment (through [`Env`]) and picks exit codes. Data goes to stdout;
//! what is said about it, warnings and errors go to stderr. Colour and progress appear only on a terminal.

mod check;
mod claim;
mod claims;
mod complete;
mod completions;
mod context;
mod dashboard;
mod demo;
mod doctor;
mod error;
mod extend;
mod hook;
mod hotspots;
mod ids;
mod inbox;
mod init;
mod local_service;
mod log;
mod man;
mod mcp;
mod outbox;
mod output;
mod ownership;
mod pre_push;
mod queue;
mod refused;
mod release;
mod repos;
mod request;
mod requests;
mod respond;
mod serve;
mod setup;
mod start;
mod status;
mod stop;
mod symbols;
mod uninit;
mod update_notice;
mod upgrade;
mod waiting;
mod watch;
mod worktree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::CliError;

use crate::workspace::Env;

/// Know who is working where, and claim files, globs and symbols before you edit
#[derive(Debug, Parser)]
#[command(
    name = "coord",
    version,
    propagate_version = true,
    after_help = "Examples:\n  \
        coord claim 'src/auth/**' -m 'login form'   take a directory\n  \
        coord claims                                who holds what\n  \
        coord check src/auth/login.ts               may I edit this?\n  \
        coord claim src/auth --wait 10m             wait until I can have it\n  \
        coord release --all                         let go of what is mine\n  \
        coord demo                                  see all of it happen\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 conflict, 4 service unreachable or not authorised, 70 bug"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Claim(claim::ClaimArgs),
    Claims(claims::ClaimsArgs),
    Check(check::CheckArgs),
    Symbols(symbols::SymbolsArgs),
    Ownership(ownership::OwnershipArgs),
    Hotspots(hotspots::HotspotsArgs),
    Release(release::ReleaseArgs),
    Extend(extend::ExtendArgs),
    Queue(queue::QueueArgs),
    Request(request::RequestArgs),
    Requests(requests::RequestsArgs),
    Respond(respond::RespondArgs),
    Inbox(inbox::InboxArgs),
    PrePush(pre_push::PrePushArgs),
    Hook(hook::HookArgs),
    Repos(repos::ReposArgs),
    Watch(watch::WatchArgs),
    Log(log::LogArgs),
    Dashboard(dashboard::DashboardArgs),
    Outbox(outbox::OutboxArgs),
    Init(init::InitArgs),
    Doctor(doctor::DoctorArgs),
    Upgrade(upgrade::UpgradeArgs),
    Uninit(uninit::UninitArgs),
    Worktree(worktree::WorktreeArgs),
    Mcp(mcp::McpArgs),
    Status(status::StatusArgs),
    Start(start::StartArgs),
    Stop(stop::StopArgs),
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let env = Env::from_process();
    if let Some(exit) = completions::answer(&env) {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return error::usage(&error),
    };
    let is_told = tells_of_updates(&cli.command);
    let exit = error::finish(error::catch(|| dispatch(cli.command, &env)));
    if is_told {
        update_notice::tell(&env);
    }
    exit
}

/// Whether a command is one after which somebody is told of a newer service: none that starts one, or says so itself.
fn tells_of_updates(command: &Command) -> bool {
    !matches!(
        command,
        Command::Init(_)
            | Command::Start(_)
            | Command::Serve(_)
            | Command::Doctor(_)
            | Command::PrePush(_)
            | Command::Hook(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Mcp(_)
    )
}

fn dispatch(command: Command, env: &Env) -> Done {
    match command {
        Command::Claim(args) => claim::run(args, env),
        Command::Claims(args) => claims::run(args, env),
        Command::Check(args) => check::run(args, env),
        Command::Symbols(args) => symbols::run(args),
        Command::Ownership(args) => ownership::run(args, env),
        Command::Hotspots(args) => hotspots::run(args, env),
        Command::Release(args) => release::run(args, env),
        Command::Extend(args) => extend::run(args, env),
        Command::Queue(args) => queue::run(args, env),
        Command::Request(args) => request::run(args, env),
        Command::Requests(args) => requests::run(args, env),
        Command::Respond(args) => respond::run(args, env),
        Command::Inbox(args) => inbox::run(args, env),
        Command::PrePush(args) => pre_push::run(args, env),
        Command::Hook(args) => hook::run(&args, env),
        Command::Repos(args) => repos::run(args, env),
        Command::Watch(args) => watch::run(args, env),
        Command::Log(args) => log::run(args, env),
        Command::Dashboard(args) => dashboard::run(args, env),
        Command::Outbox(args) => outbox::run(args, env),
        Command::Init(args) => init::run(args, env),
        Command::Doctor(args) => doctor::run(args, env),
        Command::Upgrade(args) => upgrade::run(args, env),
        Command::Uninit(args) => uninit::run(args),
        Command::Worktree(args) => worktree::run(args, env),
        Command::Mcp(args) => mcp::run(args, env),
        Command::Status(args) => status::run(args, env),
        Command::Start(args) => start::run(args, env),
        Command::Stop(args) => stop::run(args, env),
        Command::Serve(args) => serve::run(args.options, env, serve::LOOPBACK),
        Command::Demo(args) => demo::run(args, env),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// Run the coordination service for a team, reachable from everywhere unless COORD_HOST or --host says otherwise
///
/// Everything can be set in the environment: COORD_AUTH_TOKEN (required), COORD_HOST, COORD_PORT,
/// COORD_DATABASE_PATH and the rest of the table in the documentation.
#[derive(Debug, Parser)]
#[command(
    name = "coord-api",
    version,
    after_help = "Examples:\n  \
        COORD_AUTH_TOKEN=$(cat token) coord-api\n  \
        COORD_AUTH_TOKEN=$(cat token) coord-api --host 127.0.0.1 --database /var/lib/coord/coord.db"
)]
struct Api {
    #[command(flatten)]
    options: serve::Options,
}

/// Runs the service as `coord-api` did: everything from the environment, and reachable from everywhere unless it says
/// otherwise.
#[must_use]
pub fn api_main() -> ExitCode {
    let options = match Api::try_parse() {
        Ok(api) => api.options,
        Err(error) => return error::usage(&error),
    };
    error::finish(error::catch(|| serve::run(options, &Env::from_process(), serve::EVERYWHERE)))
}

/// Serve an agent's tool over MCP, as `coord mcp` does
#[derive(Debug, Parser)]
#[command(name = "coord-mcp", version, after_help = "Examples:\n  claude mcp add coord -- coord-mcp")]
struct Mcp {
    #[command(flatten)]
    options: mcp::McpArgs,
}

/// Runs the MCP server under its old name.
#[must_use]
pub fn mcp_main() -> ExitCode {
    let options = match Mcp::try_parse() {
        Ok(mcp) => mcp.options,
        Err(error) => return error::usage(&error),
    };
    error::finish(error::catch(|| mcp::run(options, &Env::from_process())))
}

/// What a command came to, when it did not fail.
type Done = Result<Exit, CliError>;

/// How a command ends when nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// It did what it was asked.
    Ok,
    /// Somebody else holds what it was asked for.
    Conflict,
    /// It said what is wrong.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_has_its_own_exit_code() {
        assert_eq!(error::finish(error::catch(|| panic!("on purpose"))), ExitCode::from(70));
        assert_eq!(error::finish(error::catch(|| Ok(Exit::Conflict))), ExitCode::from(3));
    }
}
