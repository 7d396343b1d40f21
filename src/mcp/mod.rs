//! The MCP server: claims as tools for agents, over stdin and stdout.
//!
//! It owns stdout, which carries one JSON-RPC message on each line and nothing else; what it has to say otherwise goes to
//! nobody. Calls run side by side: an agent may wait in one and release in another. A process is one session, noted in
//! `.coordination/sessions.live` for as long as it lives, whether it ends by itself, with its client, or by a signal. What
//! the session holds outlives it, until the idle timeout: tools restart their servers while their agents go on.
//!
//! | file | job |
//! |---|---|
//! | `tools` | the eleven tools |
//! | `params` | what they take |
//! | `claiming` | from what they take to requests |
//! | `waits` | the two waits |
//! | `call` | one call: its thread, its progress, its end |
//! | `grants` | what is given back when a call is cancelled |
//! | `place` | where a call works |
//! | `failure` | what it answers |

mod call;
mod claiming;
mod failure;
mod grants;
mod params;
mod place;
mod tools;
mod waits;

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use call::Shared;
use grants::Grants;
use place::Place;
use tools::Tools;

use crate::clock;
use crate::workspace::{Env, NotedSession, Settings, Worktree, new_session};

/// The variable that has a session released when its server ends.
const RELEASE_ON_EXIT: &str = "COORD_RELEASE_ON_EXIT";

/// Serves the client at stdin and stdout until it goes, or a signal ends it.
///
/// # Errors
///
/// If the current directory cannot be told, nothing can be run, or the client does not speak the protocol.
pub fn serve(env: &Env) -> io::Result<()> {
    let cwd = std::env::current_dir()?;
    // What is wrong with git is told by the tools; without it there is nowhere to note the session.
    let worktree = Worktree::discover(&cwd).ok().flatten();
    let session = configured_session(&cwd, worktree.as_ref(), env).unwrap_or_else(new_session);
    let start_ns = clock::now().0.saturating_mul(1_000_000);
    // Where it cannot be noted, checks in a shell do not know the session, but still the engineer.
    let noted = worktree.and_then(|tree| NotedSession::note(&tree.root, &session, start_ns).ok().flatten());
    let env = env.with("COORD_SESSION_ID", &session);
    let (leave, gone) = watch::channel(false);
    let shared = Arc::new(Shared {
        env: env.clone(),
        cwd: cwd.clone(),
        engineer: Mutex::default(),
        gone,
        grants: Grants::default(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(until_it_ends(Tools(shared), Arc::new(leave)));
    // A read of stdin cannot be called off, and nobody waits for what goes on elsewhere.
    runtime.shutdown_background();
    if env.get(RELEASE_ON_EXIT) == Some("1") {
        release(&cwd, &env, &session);
    }
    drop(noted);
    ended
}

/// The session that the environment or `local.env` names.
fn configured_session(cwd: &Path, worktree: Option<&Worktree>, env: &Env) -> Option<String> {
    // What is wrong with the settings is told by the tools.
    let settings = Settings::load(cwd, worktree, env).ok()?;
    settings.session_id.map(|session| session.value)
}

/// Ends the session, if the coordinator can be asked now; otherwise it ends by its silence.
fn release(cwd: &Path, env: &Env, session: &str) {
    if let Ok(mut place) = Place::open(cwd, env) {
        drop(place.client.release_session(session));
    }
}

async fn until_it_ends(tools: Tools, leave: Arc<watch::Sender<bool>>) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut hup = signal(SignalKind::hangup())?;
    let (stdin, stdout) = rmcp::transport::stdio();
    let client = (Watched { stdin, leave: leave.clone() }, stdout);
    let serving = async {
        match tools.serve(client).await {
            Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(io::Error::other(error)),
        }
    };
    tokio::select! {
        ended = serving => ended,
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
        _ = hup.recv() => Ok(()),
    }
}

/// Stdin, which tells when nobody writes to it any more.
struct Watched<R> {
    stdin: R,
    leave: Arc<watch::Sender<bool>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stdin).poll_read(context, buffer);
        let is_over = matches!(read, Poll::Ready(Err(_)))
            || (read.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0);
        if is_over {
            self.leave.send_replace(true);
        }
        read
    }
}
