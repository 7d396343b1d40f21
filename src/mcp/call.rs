//! One call of a tool: its work on a thread that may block, news of a wait to who asked for them, and its end when the
//! client cancels it or goes.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rmcp::RoleServer;
use rmcp::model::{CallToolResult, ProgressNotificationParam, RequestId};
use rmcp::service::RequestContext;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::failure::{self, Failure};
use super::grants::Grants;
use super::place::Place;
use crate::engine::{PLACE_KEPT, QueueId};
use crate::workspace::Env;

/// How soon a place in the queue that could not be left is left again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// How long the client may take to take a notification.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// What tells a tool's own shell commands what they run in, by a part of the name that it has as a client.
const MARKS: &[(&str, &str)] =
    &[("claude", "CLAUDECODE"), ("codex", "CODEX_CLI"), ("cursor", "CURSOR_AGENT")];

/// What all calls of this process share.
pub(super) struct Shared {
    /// The environment, with the session of this process in it.
    pub(super) env: Env,
    /// Where the process runs.
    pub(super) cwd: PathBuf,
    /// Whom the agent claimed as, if it said so.
    pub(super) engineer: Mutex<Option<String>>,
    /// Whether the client has gone.
    pub(super) gone: watch::Receiver<bool>,
    /// What waits brought.
    pub(super) grants: Grants,
}

impl Shared {
    /// The environment, with the mark of the tool that the client is. Servers of a tool do not always get it themselves,
    /// and the agent is to be the same engineer here and in its shell.
    fn env(&self, context: &RequestContext<RoleServer>) -> Env {
        let client = context.client_info().map(|client| client.name.to_lowercase()).unwrap_or_default();
        match MARKS.iter().find(|(part, _)| client.contains(part)) {
            Some((_, mark)) if self.env.get(mark).is_none() => self.env.with(mark, "1"),
            _ => self.env.clone(),
        }
    }

    /// Whom the agent claimed as, else who the environment says it is.
    fn named(&self) -> Option<String> {
        let remembered = self.engineer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let configured = || match self.env.get("COORD_ENGINEER") {
            Some(_) => None,
            None => self.env.get("COORD_REQUESTER").map(str::to_owned),
        };
        remembered.or_else(configured)
    }

    async fn stopped(&self, context: &RequestContext<RoleServer>) {
        let mut gone = self.gone.clone();
        tokio::select! {
            () = context.ct.cancelled() => {}
            // If nobody is left to say so, it has gone, too.
            _ = gone.wait_for(|gone| *gone) => {}
        }
    }
}

/// How a wait goes on.
pub(super) struct News {
    elapsed: Duration,
    patience: Duration,
    text: String,
}

/// A call, on the thread that does its work.
pub(super) struct Call {
    pub(super) place: Place,
    pub(super) shared: Arc<Shared>,
    /// What the client calls it.
    pub(super) id: RequestId,
    stop: Arc<AtomicBool>,
    news: UnboundedSender<News>,
    began: Instant,
}

impl Call {
    /// Whether nobody waits for the answer any more.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Has later calls work as an engineer, and this one, if one is given.
    pub(super) fn claim_as(&mut self, engineer: Option<String>) {
        let Some(engineer) = engineer else { return };
        *self.shared.engineer.lock().unwrap_or_else(PoisonError::into_inner) = Some(engineer.clone());
        self.place.engineer = engineer;
    }

    /// What tells the client how a wait of so long goes on.
    pub(super) fn teller(&self, patience: Duration) -> impl FnMut(String) + use<> {
        let (news, began) = (self.news.clone(), self.began);
        move |text| {
            // Who does not listen any more need not know.
            let _ = news.send(News { elapsed: began.elapsed(), patience, text });
        }
    }
}

/// Does the work of a call, which may wait at `place` in the queue.
pub(super) async fn work(
    shared: &Arc<Shared>,
    context: RequestContext<RoleServer>,
    place: Option<QueueId>,
    job: impl FnOnce(&mut Call) -> Result<Value, Failure> + Send + 'static,
) -> CallToolResult {
    let (env, id) = (shared.env(&context), context.id.clone());
    if place.is_some() {
        shared.grants.begin(id.clone(), !context.ct.is_cancelled());
    }
    let (news, mut told) = unbounded_channel();
    let (stop, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut work = {
        let (shared, env, stop) = (shared.clone(), env.clone(), stop.clone());
        tokio::task::spawn_blocking(move || {
            let mut place = Place::open(&shared.cwd, &env)?;
            if let Some(name) = shared.named() {
                place.engineer = name;
            }
            job(&mut Call { place, shared, id, stop, news, began: Instant::now() })
        })
    };
    let mut stopped = pin!(shared.stopped(&context));
    let mut is_stopped = false;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            Some(news) = told.recv(), if !is_stopped => tell(&context, news).await,
            () = &mut stopped, if !is_stopped => {
                is_stopped = true;
                stop.store(true, Ordering::Relaxed);
                if let Some(place) = place {
                    leave(shared.clone(), env.clone(), place, over.clone());
                }
            }
        }
    };
    over.store(true, Ordering::Relaxed);
    failure::result(done.unwrap_or(Err(Failure::Mistake)))
}

/// Tells the client how a wait goes on, if it wants to know.
async fn tell(context: &RequestContext<RoleServer>, news: News) {
    let Some(token) = context.meta.get_progress_token() else { return };
    let param = ProgressNotificationParam::new(token, news.elapsed.as_secs_f64())
        .with_total(news.patience.as_secs_f64())
        .with_message(news.text);
    // A client that is not told goes on waiting all the same.
    let _ = tokio::time::timeout(TOLD_WITHIN, context.peer.notify_progress(param)).await;
}

/// Leaves a place in the queue, which may not have been taken yet, unless the wait is over by itself.
fn leave(shared: Arc<Shared>, env: Env, place: QueueId, over: Arc<AtomicBool>) {
    tokio::task::spawn_blocking(move || {
        let (until, place) = (Instant::now() + PLACE_KEPT, place.to_string());
        while !over.load(Ordering::Relaxed) && Instant::now() < until {
            let left = Place::open(&shared.cwd, &env).map(|mut here| here.client.cancel(&place, None));
            if matches!(left, Ok(Ok(left)) if left.cancelled) {
                return;
            }
            std::thread::sleep(TRY_AGAIN);
        }
    });
}

/// Takes back what a wait brought when its client did not want it any more.
pub(super) fn cancelled(shared: &Arc<Shared>, id: &RequestId) {
    let Some(grant) = shared.grants.unwanted(id) else { return };
    let shared = shared.clone();
    tokio::task::spawn_blocking(move || {
        if let Ok(mut place) = Place::open(&shared.cwd, &shared.env) {
            place.give_back(grant);
        }
    });
}
