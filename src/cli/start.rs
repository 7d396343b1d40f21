//! `coord start`: a service on this machine with nothing to set up.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::error::Kind;
use super::local_service::Home;
use super::output;
use super::serve::{LOOPBACK, serve};
use super::{CliError, Done, Exit};
use crate::client::Remote;
use crate::server::{self, ServeConfig};
use crate::workspace::{Env, Settings, Token};

/// How often to look whether the service is up.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Start a coordination service on this machine
///
/// It makes a token on first use and keeps it and the database under COORD_HOME (~/.coord).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord start --background\n  \
    eval \"$(coord start --background | grep export)\"\n  \
    coord start --background --json | jq -r .api_url")]
pub(super) struct StartArgs {
    /// Listen on this host
    #[arg(long, default_value = LOOPBACK)]
    host: String,
    /// Listen on this port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Return when it is ready, and leave it running
    #[arg(long)]
    background: bool,
    /// Open its dashboard in a browser
    #[arg(long)]
    open_dashboard: bool,
    /// Print where it is as JSON
    #[arg(long)]
    json: bool,
}

/// What is printed of a service.
#[derive(Serialize)]
struct Started {
    api_url: String,
    dashboard_url: String,
    database_path: String,
    token_file: String,
    auth_token: String,
    pid: Option<u32>,
}

pub(super) fn run(args: StartArgs, env: &Env) -> Done {
    let cwd = std::env::current_dir()?;
    let home = Home::new(Settings::load(&cwd, None, env)?.home);
    let token = home.token()?;
    let url = url(&args.host, args.port);
    if let Some(database) = serving(&url) {
        if same_file(&database, &home) {
            output::note(&format!("a coordination service is already running at {url}"));
            return tell(&args, &home, &token, &url, None);
        }
        return Err(CliError::new(Kind::Failed, format!("another coordination service, on {database}, runs at {url}"))
            .hint("use that one, or choose another port: `coord start --port 8081`"));
    }
    if args.background {
        let child = in_background(&args, env, &home, &token, &url)?;
        home.record(child, url.clone())?;
        return tell(&args, &home, &token, &url, Some(child));
    }
    let config = config(&args, env, &home, &token)?;
    server::init_logging(env);
    serve(config, |address| tell(&args, &home, &token, &format!("http://{address}"), None).map(drop))
}

fn url(host: &str, port: u16) -> String {
    let host = match host {
        "0.0.0.0" => LOOPBACK,
        "::" => "[::1]",
        host => host,
    };
    format!("http://{host}:{port}")
}

/// The database of the service that answers there, if one does.
fn serving(url: &str) -> Option<String> {
    Remote::new(url, None).ready().ok().map(|ready| ready.database_path)
}

fn same_file(database: &str, home: &Home) -> bool {
    let ours = home.database();
    match (std::fs::canonicalize(database), std::fs::canonicalize(&ours)) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        _ => std::path::Path::new(database) == ours,
    }
}

/// The settings of the local service: everything from the environment but where it is and what it asks for.
fn config(args: &StartArgs, env: &Env, home: &Home, token: &Token) -> Result<ServeConfig, CliError> {
    let mut config = ServeConfig::from_env(&env.with("COORD_AUTH_TOKEN", token.expose()), LOOPBACK)?;
    config.host.clone_from(&args.host);
    config.port = args.port;
    config.database = home.database();
    Ok(config)
}

fn in_background(args: &StartArgs, env: &Env, home: &Home, token: &Token, url: &str) -> Result<u32, CliError> {
    config(args, env, home, token)?;
    let wait = env.get("COORD_START_READY_TIMEOUT_SEC").and_then(|text| text.trim().parse().ok());
    let deadline = Instant::now() + Duration::from_secs(wait.unwrap_or(30));
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(home.log_file())?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", "--host", &args.host, "--port", &args.port.to_string()])
        .env("COORD_AUTH_TOKEN", token.expose())
        .env("COORD_DATABASE_PATH", home.database())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own: Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()?;
    let spinner = ProgressBar::new_spinner().with_message("waiting for the service");
    while serving(url).is_none() {
        spinner.tick();
        if let Some(status) = child.try_wait()? {
            return Err(failed(&format!("the service ended at once ({status})"), home));
        }
        if Instant::now() >= deadline {
            end(&mut child)?;
            return Err(failed("the service did not become ready in time and was ended", home)
                .hint("allow it more time with COORD_START_READY_TIMEOUT_SEC"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    spinner.finish_and_clear();
    Ok(child.id())
}

fn end(child: &mut Child) -> Result<(), CliError> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn failed(what: &str, home: &Home) -> CliError {
    let log = std::fs::read_to_string(home.log_file()).unwrap_or_default();
    let last = log.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("hint")).unwrap_or_default();
    CliError::new(Kind::Failed, format!("{what}: {last}")).hint(format!("its log is {}", home.log_file().display()))
}

fn tell(args: &StartArgs, home: &Home, token: &Token, url: &str, pid: Option<u32>) -> Done {
    let started = Started {
        api_url: url.into(),
        dashboard_url: format!("{url}/dashboard"),
        database_path: home.database().display().to_string(),
        token_file: home.token_file().display().to_string(),
        auth_token: token.expose().into(),
        pid,
    };
    if args.json {
        output::line(&serde_json::to_string(&started)?)?;
    } else {
        output::line(&format!("API URL:       {}", started.api_url))?;
        output::line(&format!("Dashboard URL: {}", started.dashboard_url))?;
        output::line(&format!("Database path: {}", started.database_path))?;
        output::line(&format!("Token file:    {}", started.token_file))?;
        if let Some(pid) = pid {
            output::line(&format!("Process:       {pid}, ended by `coord stop`"))?;
        }
        output::line("\nTo use it from this shell:")?;
        output::line(&format!("  export COORD_API_URL={}", started.api_url))?;
        output::line(&format!("  export COORD_AUTH_TOKEN={}", started.auth_token))?;
    }
    if args.open_dashboard {
        open_in_browser(&started.dashboard_url);
    }
    Ok(Exit::Ok)
}

fn open_in_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let opened = Command::new(opener).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if opened.is_err() {
        output::warn(&format!("no browser could be opened; the dashboard is at {url}"));
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> CliError {
        CliError::new(Kind::Failed, error)
    }
}
