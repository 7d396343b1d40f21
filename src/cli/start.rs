//! `coord start`: a service on this machine with nothing to set up.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::error::Kind;
use super::local_service::{Home, Recorded};
use super::output;
use super::serve::{LOOPBACK, serve};
use super::{CliError, Done, Exit};
use crate::client::Remote;
use crate::server::{self, InstanceLock, ServeConfig, ServeError};
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
    /// Listen on this port; 0 takes any free one
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
    let home = Home::new(Settings::home(&cwd, env));
    home.make()?;
    let lock = home.lock()?;
    let token = home.token()?;
    let url = url(&args.host, args.port);
    let running = match home.recorded()? {
        Recorded::Alive(running) => Some(running),
        _ => None,
    };
    if let Some(database) = serving(&url) {
        if same_file(&database, &home) {
            if running.as_ref().is_none_or(|running| running.url != url) && !is_served(&home) {
                // Anybody can say so, and would be sent the token.
                let error =
                    format!("something at {url} passes itself off as this machine's coordination service");
                return Err(CliError::new(Kind::Failed, error)
                    .hint("find out what listens there, or choose another port: `coord start --port 8081`"));
            }
            output::note(&format!("a coordination service is already running at {url}"));
            let pid = running
                .filter(|running| running.url == url)
                .and_then(|running| u32::try_from(running.pid).ok());
            return tell(&args, &home, &token, &url, pid);
        }
        return Err(CliError::new(
            Kind::Failed,
            format!("another coordination service, on {database}, runs at {url}"),
        )
        .hint("use that one, or choose another port: `coord start --port 8081`"));
    }
    if let Some(running) = running {
        let pid = running.pid;
        let error = match running.url.as_str() {
            "" => format!("this machine's coordination service (pid {pid}) has not said where it listens"),
            url => format!("this machine's coordination service runs at {url} (pid {pid})"),
        };
        return Err(CliError::new(Kind::Failed, error).hint("use that one, or end it first: `coord stop`"));
    }
    if args.background {
        let (child, url) = in_background(&args, env, &home, &token)?;
        return tell(&args, &home, &token, &url, Some(child));
    }
    drop(lock);
    let config = config(&args, env, &home, &token)?;
    server::init_logging(env);
    serve(config, |address| {
        tell(&args, &home, &token, &self::url(&args.host, address.port()), None).map(drop)
    })
}

fn url(host: &str, port: u16) -> String {
    let host = match host {
        "0.0.0.0" => LOOPBACK,
        "::" => "::1",
        host => host,
    };
    if host.contains(':') { format!("http://[{host}]:{port}") } else { format!("http://{host}:{port}") }
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

/// Whether some process serves our database.
fn is_served(home: &Home) -> bool {
    matches!(InstanceLock::take(&home.database()), Err(ServeError::Locked { .. }))
}

/// The settings of the local service: everything from the environment but where it is and what it asks for.
fn config(args: &StartArgs, env: &Env, home: &Home, token: &Token) -> Result<ServeConfig, CliError> {
    let mut config = ServeConfig::from_env(&env.with("COORD_AUTH_TOKEN", token.expose()), LOOPBACK)?;
    config.host.clone_from(&args.host);
    config.port = args.port;
    config.database = home.database();
    Ok(config)
}

/// Starts the service, waits until it answers, and returns its process and where it listens. It is on record from the
/// first moment: whoever ends this command meanwhile can still end the service.
fn in_background(args: &StartArgs, env: &Env, home: &Home, token: &Token) -> Result<(u32, String), CliError> {
    config(args, env, home, token)?;
    let deadline = Instant::now() + ready_timeout(env)?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(home.log_file())?;
    let log = Log { path: home.log_file(), from: file.metadata()?.len() };
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(root) = env.get("COORD_REPO_ROOT") {
        // From here, where it was written.
        command.env("COORD_REPO_ROOT", std::env::current_dir()?.join(root));
    }
    let mut child = command
        .args(["serve", "--host", &args.host, "--port", &args.port.to_string()])
        .env("COORD_AUTH_TOKEN", token.expose())
        .env("COORD_DATABASE_PATH", home.database())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        // A group of its own: Ctrl-C in this terminal is not meant for it.
        .process_group(0)
        .spawn()?;
    let hoped = if args.port == 0 { String::new() } else { url(&args.host, args.port) };
    let ready = home
        .record(child.id(), hoped)
        .and_then(|()| until_ready(args, home, &mut child, &log, deadline))
        .and_then(|url| home.record(child.id(), url.clone()).map(|()| url));
    match ready {
        Ok(url) => Ok((child.id(), url)),
        Err(error) => {
            end(&mut child)?;
            home.forget()?;
            Err(error)
        }
    }
}

/// Where a service listens, once it answers.
fn until_ready(
    args: &StartArgs,
    home: &Home,
    child: &mut Child,
    log: &Log,
    deadline: Instant,
) -> Result<String, CliError> {
    let spinner = ProgressBar::new_spinner().with_message("waiting for the service");
    loop {
        // Once it has ended, or before it says so, whoever answers there is somebody else.
        if child.try_wait()?.is_some() {
            return Err(log.failed("the service did not start"));
        }
        if let Some(url) = log.port().map(|port| url(&args.host, port))
            && serving(&url).is_some_and(|database| same_file(&database, home))
        {
            spinner.finish_and_clear();
            return Ok(url);
        }
        spinner.tick();
        if Instant::now() >= deadline {
            return Err(log
                .failed("the service did not become ready in time and was ended")
                .hint("allow it more time with COORD_START_READY_TIMEOUT_SEC"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// How long the service may take to answer for the first time.
fn ready_timeout(env: &Env) -> Result<Duration, CliError> {
    const NAME: &str = "COORD_START_READY_TIMEOUT_SEC";
    let Some(text) = env.get(NAME) else { return Ok(Duration::from_secs(30)) };
    let seconds = text.trim().parse::<u32>().map_err(|_| {
        CliError::new(Kind::Usage, format!("{NAME}={text:?} is not a number of seconds"))
            .hint("correct the variable, or unset it for its default")
    })?;
    Ok(Duration::from_secs(seconds.into()))
}

fn end(child: &mut Child) -> Result<(), CliError> {
    // One that has ended is only waited for.
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// What a service in the background has said since it was started.
struct Log {
    path: PathBuf,
    from: u64,
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let ours = bytes.get(usize::try_from(self.from).unwrap_or(usize::MAX)..).unwrap_or_default();
        String::from_utf8_lossy(ours).lines().map(String::from).collect()
    }

    /// The port that it listens on, once it does.
    fn port(&self) -> Option<u16> {
        let lines = self.lines();
        let (_, address) = lines.iter().find_map(|line| line.split_once(" listens on http://"))?;
        address.rsplit_once(':')?.1.trim().parse().ok()
    }

    /// A failure with what the service said about it.
    fn failed(&self, what: &str) -> CliError {
        let lines = self.lines();
        let said = |label| lines.iter().filter_map(move |line| line.strip_prefix(label));
        let causes: Vec<&str> =
            [what].into_iter().chain(said("error: ")).chain(said("caused by: ")).collect();
        let error = CliError::new(Kind::Failed, causes.join(": "));
        said("hint: ").fold(error, CliError::hint).hint(format!("its log is {}", self.path.display()))
    }
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

/// Opens an address in a browser, or says what it is.
pub(super) fn open_in_browser(url: &str) {
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
