//! What is shared, and no longer shared, without anybody asking for it.
//!
//! Refusals are noted by whoever was refused and looked at here, one after the other, so that neither a request nor the
//! coordinator waits for it. A refusal that finds no place is dropped: the next one of the same file counts it, too.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::app::App;
use super::ownership::{AmendError, amend};
use crate::coordinator::Answer;
use crate::engine::{Outcome, Request, RoomName};
use crate::service::{self, Amended};

/// The most text of refused patterns that waits to be looked at, in bytes.
const MAX_WAITING: usize = 16 << 20;

/// Patterns that were refused together.
#[derive(Debug)]
struct Refusal {
    room: RoomName,
    patterns: Vec<String>,
}

/// Refusals that have not been looked at.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    waiting: Mutex<(Vec<Refusal>, usize)>,
    wake: Notify,
}

impl Refusals {
    fn add(&self, refusal: Refusal) {
        let bytes: usize = refusal.patterns.iter().map(String::len).sum();
        let mut waiting = self.waiting.lock().expect("nobody panics with this lock");
        if waiting.1 + bytes <= MAX_WAITING {
            waiting.1 += bytes;
            waiting.0.push(refusal);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    async fn next(&self) -> Vec<Refusal> {
        loop {
            let waiting = std::mem::take(&mut *self.waiting.lock().expect("nobody panics with this lock"));
            if !waiting.0.is_empty() {
                return waiting.0;
            }
            self.wake.notified().await;
        }
    }
}

/// Notes what came of a request, if it was refused or has to wait.
pub(super) fn note(app: &App, request: &Request, answer: &Answer) {
    let Answer::Decided(Outcome::Refused(_) | Outcome::Queued(_) | Outcome::Deadlock { .. }) = answer else {
        return;
    };
    if app.config.auto_share.is_on() {
        let (room, patterns) = (request.room.clone(), service::attempted(request));
        app.refusals.add(Refusal { room, patterns });
    }
}

/// Shares and takes back until the service is about to end.
pub(super) async fn run(app: Arc<App>) {
    if app.config.auto_share.is_on() {
        tokio::select! {
            () = app.closing() => {}
            () = share(&app) => {}
            () = sweep(&app) => {}
        }
    }
}

async fn share(app: &App) {
    loop {
        for refusal in app.refusals.next().await {
            if let Err(error) = look_at(app, refusal).await {
                tracing::warn!(error = %error, "what too many were turned away from could not be shared");
            }
        }
    }
}

async fn look_at(app: &App, refusal: Refusal) -> Result<(), AmendError> {
    let (settings, now) = (app.config.auto_share.clone(), app.coordinator.now());
    let (since, least) = (service::days_before(now, settings.window_days), settings.threshold);
    let attempts = app.look(move |watch| {
        watch.history().attempts_at(refusal.room.as_deref(), &refusal.patterns, since, least)
    });
    let attempts = attempts.await?;
    if attempts.is_empty() {
        return Ok(());
    }
    let amended = amend(app, move |in_force| service::share_hot(in_force, &attempts, &settings, now)).await?;
    tell(&amended, "shared what too many were turned away from");
    Ok(())
}

/// Looks now and then for what is shared in vain. Never ends, as it is not always wanted.
async fn sweep(app: &App) {
    let interval = app.config.auto_share.sweep.filter(|_| app.config.house.timers);
    let Some(interval) = interval else { return std::future::pending().await };
    let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = sweep_once(app).await {
            tracing::warn!(error = %error, "what is shared in vain could not be taken back");
        }
    }
}

async fn sweep_once(app: &App) -> Result<(), AmendError> {
    if !service::may_cool_down(app.rules().await?.rules()) {
        return Ok(());
    }
    let settings = app.config.auto_share.clone();
    let since = service::days_before(app.coordinator.now(), settings.sweep_window_days);
    let attempts = app.look(move |watch| watch.history().attempts_since(since)).await?;
    let amended = amend(app, move |in_force| service::drop_cold(in_force, &attempts, &settings)).await?;
    tell(&amended, "took back what was shared in vain");
    Ok(())
}

fn tell(amended: &Amended, what: &str) {
    if let Some(crate::engine::Command::SetOwnership(rules)) = &amended.command {
        tracing::info!(adjustments = rules.adjustments.len(), "{what}");
    }
}
