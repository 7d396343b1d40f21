//! The service on the network: listener, limits, authentication, routes.
//!
//! A request passes, in this order: bounds on its head, the `Host` and `Origin` checks, the route table (404, 405),
//! the token (401), bounds on its body (413, 408), its fields (422), and then one handler. A handler turns it into
//! a command or a look at the state, waits for the coordinator, and writes the reply; it holds no lock while it waits.
//! Nothing in here decides anything about claims.

mod access;
mod app;
mod auth;
mod claims;
mod config;
mod conflicts;
mod dashboard;
mod events;
pub mod fields;
mod gzip;
mod hotspots;
pub mod input;
mod instance_lock;
mod listener;
mod meters;
mod metrics;
mod openapi;
mod origin;
mod outbox;
mod ownership;
mod probes;
mod release_requests;
mod reply;
mod repos;
pub mod requests;
mod routes;
mod sessions;
mod sharing;
mod variables;

use std::path::PathBuf;

pub use access::{LogFormat, init as init_logging};
pub use app::App;
pub use config::{ConfigError, ServeConfig};
pub use instance_lock::InstanceLock;
pub use listener::Listener;
pub use routes::served;
pub use variables::{CLIENT_VARIABLES, SERVICE_VARIABLES};

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another process serves this database.
    #[error("another coord serves {}{}", database.display(), holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Locked {
        /// Which database.
        database: PathBuf,
        /// The process, if it said so.
        holder: Option<u32>,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The checkout cannot be looked into.
    #[error("COORD_REPO_ROOT cannot be used")]
    Checkout(#[from] crate::workspace::WorkspaceError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}
