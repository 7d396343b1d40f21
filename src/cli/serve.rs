//! `coord serve`: the service, in the foreground.

use std::sync::Arc;

use clap::Args;

use super::error::Kind;
use super::{CliError, Done, Exit, output};
use crate::clock::Clock;
use crate::server::{self, App, InstanceLock, Listener, ServeConfig};
use crate::workspace::Env;

/// Where `coord serve` listens unless told otherwise.
pub(super) const LOOPBACK: &str = "127.0.0.1";

/// Where `coord-api` listens unless told otherwise.
pub(super) const EVERYWHERE: &str = "0.0.0.0";

/// Run the coordination service for a team
///
/// Everything can be set in the environment: COORD_AUTH_TOKEN (required), COORD_HOST, COORD_PORT,
/// COORD_DATABASE_PATH and the rest of the table in the documentation. It ends on SIGTERM or Ctrl-C, when every request
/// that it is answering has been answered.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    COORD_AUTH_TOKEN=$(cat token) coord serve\n  \
    COORD_AUTH_TOKEN=$(cat token) coord serve --host 0.0.0.0 --port 8080 --database /var/lib/coord/coord.db")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) options: Options,
}

// What is said of a flattened struct in a doc comment would become what is said of the command.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Listen on this host instead of COORD_HOST
    #[arg(long)]
    host: Option<String>,
    /// Listen on this port instead of COORD_PORT; 0 takes any free one
    #[arg(long)]
    port: Option<u16>,
    /// Keep claims in this file instead of COORD_DATABASE_PATH
    #[arg(long, value_name = "FILE")]
    database: Option<std::path::PathBuf>,
}

pub(super) fn run(args: Options, env: &Env, default_host: &str) -> Done {
    let mut config = ServeConfig::from_env(env, default_host)?;
    config.host = args.host.unwrap_or(config.host);
    config.port = args.port.unwrap_or(config.port);
    config.database = args.database.unwrap_or(config.database);
    server::init_logging(env);
    serve(config, |_| Ok(()))
}

/// Serves until a signal ends it; `ready` is told where, once requests are answered.
pub(super) fn serve(
    config: ServeConfig,
    ready: impl FnOnce(std::net::SocketAddr) -> Result<(), CliError>,
) -> Done {
    let _lock = if config.no_instance_lock { None } else { Some(InstanceLock::take(&config.database)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = Listener::bind(&config.host, config.port).await?;
        let address = listener.address()?;
        let shutdown = stop_signal()?;
        if config.token.is_none() {
            output::warn("everybody who reaches this service may use it: no token is asked for");
        }
        let app = Arc::new(App::start(config, Clock::system()).map_err(CliError::from)?);
        output::note(&format!("coord {} listens on http://{address}", env!("CARGO_PKG_VERSION")));
        ready(address)?;
        listener.serve(app, shutdown).await;
        Ok(Exit::Ok)
    })
}

/// Is ready when the process is asked to end.
fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| CliError::new(Kind::Failed, error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
