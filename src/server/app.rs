//! What every handler has at hand.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderMap};

use super::auth::Origins;
use super::dashboard::Visitors;
use super::events::Feed;
use super::input::Body;
use super::meters::Meters;
use super::reply::Reply;
use super::sharing::Refusals;
use super::{ServeConfig, ServeError};
use crate::clock::Clock;
use crate::coordinator::{Coordinator, CoordinatorError};
use crate::service::{self, Checkout, InForce, RuleBook};
use crate::store::{Outbox, Sqlite, StoreError, Watch};
use crate::webhook::Courier;

/// The largest body that is read, in bytes.
pub(super) const MAX_BODY: u64 = 1 << 20;

/// How much of a body that is too large is read to its end, so that the client gets to hear why it is refused.
const MAX_DISCARDED: u64 = 16 << 20;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The service: its settings and its coordinator.
pub struct App {
    pub(super) config: ServeConfig,
    pub(super) coordinator: Arc<Coordinator>,
    /// Sends webhooks. It goes after the coordinator, which may have something to be sent until its end.
    courier: Option<Courier>,
    pub(super) checkout: Option<Arc<Checkout>>,
    pub(super) origins: Origins,
    pub(super) meters: Arc<Meters>,
    rule_book: Arc<RuleBook>,
    /// Held by who is changing the rules, so that nobody in this process is in their way.
    pub(super) amending: tokio::sync::Mutex<()>,
    /// What may have made something a hotspot.
    pub(super) refusals: Refusals,
    /// What streams of events share.
    pub(super) feed: Arc<Feed>,
    /// Who has logged in with a browser.
    pub(super) visitors: Visitors,
    /// Whether the service is about to end.
    closing: tokio::sync::watch::Sender<bool>,
}

impl App {
    /// Opens the database and starts the coordinator.
    ///
    /// # Errors
    ///
    /// If the database cannot be used, or there is no checkout where one should be.
    pub fn start(config: ServeConfig, clock: Clock) -> Result<App, ServeError> {
        let mut store = Sqlite::open(&config.database)?;
        let courier = courier(&config, &clock)?;
        if let Some(webhook) = &config.webhook {
            let wake = courier.as_ref().map_or_else(|| Arc::new(|| {}) as _, Courier::waker);
            store = store.with_webhook(webhook.subscription(wake));
        }
        let meters = Arc::new(Meters::new(config.slow_decision));
        let (policy, house) = (config.policy.clone(), config.house.clone());
        let coordinator = Coordinator::observed(store, policy, clock, house, Box::new(meters.clone()))?;
        let checkout = config.checkout.clone().map(|(root, scope)| {
            Arc::new(Checkout::new(root, scope, config.limits.clone(), config.keep_listing))
        });
        if let Some(checkout) = &checkout {
            checkout.files()?;
        }
        let origins = Origins::of(&config);
        let closing = tokio::sync::watch::Sender::new(false);
        Ok(App {
            config,
            coordinator: Arc::new(coordinator),
            courier,
            checkout,
            origins,
            meters,
            rule_book: Arc::default(),
            amending: tokio::sync::Mutex::default(),
            refusals: Refusals::default(),
            feed: Arc::new(Feed::new()),
            visitors: Visitors::default(),
            closing,
        })
    }

    /// Says that the service is about to end: whoever waits is told to come back.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// What says, wherever it goes, that the service is about to end.
    pub(super) fn closes(&self) -> tokio::sync::watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Waits until the service is about to end.
    pub(super) async fn closing(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives as long as this does.
        let _ = closing.wait_for(|&closing| closing).await;
    }

    /// Reads a request's body, within its bounds.
    pub(super) async fn body(&self, request: Request<Incoming>) -> Result<Body, Reply> {
        let (head, body) = request.into_parts();
        let bytes = collect(body, head.headers.contains_key(EXPECT)).await?;
        Ok(Body::parse(&bytes, content_type(&head.headers))?)
    }

    /// Reads a request's body as it is, within its bounds.
    pub(super) async fn bytes(&self, request: Request<Incoming>) -> Result<Bytes, Reply> {
        let (head, body) = request.into_parts();
        collect(body, head.headers.contains_key(EXPECT)).await
    }

    /// The rules of ownership in force. They are read only when they are others than last time.
    pub(super) async fn rules(&self) -> Result<InForce, CoordinatorError> {
        let stored = self.coordinator.read(|state| state.ownership().cloned()).await?;
        if let Some(known) = self.rule_book.known(stored.as_ref()) {
            return Ok(known);
        }
        let book = self.rule_book.clone();
        let read = tokio::task::spawn_blocking(move || book.read(stored.as_ref()));
        read.await.map_err(|_| CoordinatorError::Stopped)
    }

    /// The tracked files of the checkout, if one is configured. What git refuses to list is as good as none.
    pub(super) async fn tracked(&self) -> Option<Arc<Vec<String>>> {
        let checkout = self.checkout.clone()?;
        let listed = tokio::task::spawn_blocking(move || checkout.files()).await.ok()?;
        listed
            .inspect_err(|error| tracing::warn!(error = error as &dyn std::error::Error, "no list of files"))
            .ok()
    }

    /// What is wrong with the symbols of a request, if a checkout is configured to compare them with.
    pub(super) async fn unknown_symbols(&self, request: &crate::engine::Request) -> Option<String> {
        let (root, _) = self.config.checkout.clone()?;
        if request.items.iter().all(|item| item.scope.symbols.is_none()) {
            return None;
        }
        let request = request.clone();
        tokio::task::spawn_blocking(move || service::unknown_symbols(&root, &request)).await.ok()?
    }

    /// Looks into history for a reply.
    pub(super) async fn history<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Watch) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reply> {
        Ok(self.look(look).await?)
    }

    /// Looks into history on a thread where that may block.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Watch) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, CoordinatorError> {
        let coordinator = self.coordinator.clone();
        let found = tokio::task::spawn_blocking(move || coordinator.history(look)).await;
        found.map_err(|_| CoordinatorError::Stopped)?
    }

    /// Looks after what is to be sent, on a thread where that may block.
    pub(super) async fn outbox<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Outbox) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reply> {
        let database = self.config.database.clone();
        let found = tokio::task::spawn_blocking(move || look(&mut Outbox::open(&database)?)).await;
        Ok(found.map_err(|_| CoordinatorError::Stopped)?.map_err(CoordinatorError::from)?)
    }

    /// Has what is due sent at once.
    pub(super) fn send_webhooks(&self) {
        if let Some(courier) = &self.courier {
            courier.waker()();
        }
    }
}

/// What sends webhooks, if there is anybody to send them to and anything may happen by itself.
fn courier(config: &ServeConfig, clock: &Clock) -> Result<Option<Courier>, StoreError> {
    let Some(webhook) = &config.webhook else { return Ok(None) };
    for event in webhook.unknown_events() {
        tracing::warn!(event, "COORD_WEBHOOK_EVENTS names an event that there is not");
    }
    if !config.house.timers {
        return Ok(None);
    }
    // Who has the lock is the only service on the database.
    let alone = !config.no_instance_lock;
    Courier::start(&config.database, webhook.clone(), clock.clone(), alone).map(Some)
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// Reads a body. Of one that is too large the rest is let pass, within reason, so that the client gets to hear why it is
/// refused; unless it asked before it sends it.
async fn collect(body: Incoming, asks_first: bool) -> Result<Bytes, Reply> {
    let length = body.size_hint().lower();
    if length > MAX_DISCARDED || (length > MAX_BODY && asks_first) {
        return Err(Reply::too_large(MAX_BODY));
    }
    match tokio::time::timeout(BODY_TIMEOUT, read(body)).await {
        Ok(read) => read,
        Err(_) if length > MAX_BODY => Err(Reply::too_large(MAX_BODY)),
        Err(_) => Err(Reply::too_slow()),
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, Reply> {
    // Of one whose end is not announced nobody knows how much is to come.
    let announced = body.size_hint().exact().is_some();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Reply::detail(400, "The body ended before its time"))?;
        let Some(data) = frame.data_ref() else { continue };
        length += data.len() as u64;
        if length <= MAX_BODY {
            bytes.extend_from_slice(data);
        } else if announced && length <= MAX_DISCARDED {
            bytes = Vec::new();
        } else {
            break;
        }
    }
    if length > MAX_BODY { Err(Reply::too_large(MAX_BODY)) } else { Ok(bytes.into()) }
}
