//! Connections: taking them, bounding them, and ending them with every answer given.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::app::App;
use super::events::Cut;
use super::reply::ReplyBody;
use super::{ServeError, access, routes, sharing};

/// Connections that are open at once. More wait in the system's own queue.
const MAX_CONNECTIONS: usize = 4096;

/// Descriptors that are not for connections: the database, its readers, logs.
const OTHER_DESCRIPTORS: u64 = 128;

/// The largest head of a request, in bytes; a larger one is a 431.
const MAX_HEAD: usize = 128 << 10;

/// How long the head of a request, the next one of an idle connection included, may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long an answer may stay unread, in milliseconds.
#[cfg(target_os = "linux")]
const UNREAD_TIMEOUT_MS: u32 = 60_000;

/// The longest request id that is taken from a client, in bytes.
const LONGEST_REQUEST_ID: usize = 128;

/// How long requests that are being answered have when the service ends.
const GRACE: Duration = Duration::from_secs(20);

/// How long to wait when the system gives no more connections.
const BREATHER: Duration = Duration::from_millis(50);

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A socket that is listened on.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    ///
    /// If it cannot be listened on.
    pub async fn bind(host: &str, port: u16) -> Result<Listener, ServeError> {
        let socket = TcpListener::bind((host, port)).await;
        let socket =
            socket.map_err(|source| ServeError::Bind { address: format!("{host}:{port}"), source })?;
        Ok(Listener { socket })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `shutdown` is ready, and then until what is being answered has been answered.
    pub async fn serve(self, app: Arc<App>, shutdown: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(places()));
        let graceful = GracefulShutdown::new();
        let sharing = tokio::spawn(sharing::run(app.clone()));
        let mut shutdown = pin!(shutdown);
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await.expect("nobody closes it");
                (self.socket.accept().await, place)
            };
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                (accepted, place) = next => match accepted {
                    Ok((stream, _)) => connect(&app, stream, place, &graceful),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "a connection could not be taken");
                        tokio::time::sleep(BREATHER).await;
                    }
                },
            }
        }
        drop(self.socket);
        app.close();
        if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests were still being answered");
        }
        // It ends by itself when the service closes; a panic in it has been printed.
        let _ = sharing.await;
    }
}

/// How many connections may be open: as many as we want, or as many as the system has descriptors for after what the
/// database needs.
fn places() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised, what there is has to do.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(OTHER_DESCRIPTORS))
        .unwrap_or(usize::MAX)
        .clamp(1, MAX_CONNECTIONS)
}

fn connect(app: &Arc<App>, stream: TcpStream, place: OwnedSemaphorePermit, graceful: &GracefulShutdown) {
    // Answers are small and wait for nothing: they are sent at once. Where that cannot be set they come a little later.
    let _ = stream.set_nodelay(true);
    // Whoever does not read answers, or is gone without a word, does not keep a place. Elsewhere the system decides.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_TIMEOUT_MS);
    let open = app.meters.connection();
    let app = app.clone();
    let cut = Cut::default();
    let cutting = cut.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let app = app.clone();
        request.extensions_mut().insert(cutting.clone());
        async move { Ok::<_, Infallible>(respond(&app, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        let _open = open;
        // A connection that breaks is the client's matter, and it has nobody left to tell.
        tokio::select! {
            _ = connection => {}
            () = cut.0.notified() => {}
        }
        drop(place);
    });
}

async fn respond(app: &App, request: Request<Incoming>) -> Response<ReplyBody> {
    let started = Instant::now();
    let id = match request.headers().get(&REQUEST_ID) {
        Some(id) if is_plain(id.as_bytes()) => id.clone(),
        _ => fresh_id(),
    };
    let method = routes::method_name(request.method());
    let path = routes::template(request.uri().path());
    let reply = access::during(id.clone(), routes::answer(app, request)).await;
    let (status, took) = (reply.status.as_u16(), started.elapsed());
    app.meters.request(method, path, status, took.saturating_sub(reply.waited));
    access::log(method, path, status, took, &id);
    let mut response = reply.into_response();
    response.headers_mut().insert(&REQUEST_ID, id);
    response
}

/// Whether a client's request id can stand in a log as it is.
fn is_plain(id: &[u8]) -> bool {
    (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Sixteen random hex digits.
fn fresh_id() -> HeaderValue {
    let mut text = [0; uuid::fmt::Simple::LENGTH];
    let text = Uuid::new_v4().simple().encode_lower(&mut text);
    // The first half of a UUID holds its version; the second is all but two bits chance.
    HeaderValue::from_str(&text[16..]).expect("hex digits are a header value")
}
