//! What the service counts and times, as `GET /metrics` tells it.
//!
//! Names and labels of the first six are those of coord 0.27. No label has a value that a client can make up. What can be
//! read off when somebody asks is not kept here: `super::metrics` has a table of such gauges.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Metric, Registry};

use super::access::millis;
use crate::coordinator::{Answer, Batch, Observer};
use crate::engine::{Change, Changes, Outcome, ReleaseKind, Severity};

/// Upper bounds of the buckets that requests and commits are sorted into, in seconds.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The same for decisions, most of which take microseconds.
const DECISION_BUCKETS: [f64; 11] =
    [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0];

/// A gauge as it stands: name, help and value.
pub(super) type Reading = (&'static str, &'static str, usize);

/// Everything that is counted or timed.
#[derive(Debug)]
pub(super) struct Meters {
    registry: Registry,
    created_soft: Count,
    created_hard: Count,
    conflicts: Count,
    released: Count,
    auth_failures: Count,
    requests: Family<Answered, Count>,
    request_time: Family<At, Histogram, fn() -> Histogram>,
    decision_time: Histogram,
    commit_time: Histogram,
    store_failures: Count,
    /// Events that waited to be sent to a webhook when they were counted last.
    pub(super) outbox_depth: AtomicUsize,
    /// Every open connection holds one.
    connections: Arc<()>,
    /// How long a batch may take before the log says so.
    slow: Option<Duration>,
}

/// A counter that is told under its own name.
///
/// The crate writes OpenMetrics, where a counter `x` has one value, `x_total`. Text format 0.0.4 knows only the latter name; in
/// everything else that is used here the two are the same.
#[derive(Clone, Debug, Default)]
struct Count(Counter);

impl EncodeMetric for Count {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> std::fmt::Result {
        encoder.encode_gauge(&self.0.get())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

impl TypedMetric for Count {
    const TYPE: MetricType = MetricType::Counter;
}

/// The labels of an answered request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    path: &'static str,
    status: u16,
}

/// Where a request went.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    path: &'static str,
}

/// What a granted claim is labelled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Graded {
    severity: &'static str,
}

impl Meters {
    /// Everything at zero; a batch that takes longer than `slow` will be told of in the log.
    pub(super) fn new(slow: Option<Duration>) -> Meters {
        let mut registry = Registry::default();
        let kept = &mut registry;
        let created = Family::<Graded, Count>::default();
        let graded =
            |severity: Severity| created.get_or_create_owned(&Graded { severity: severity.as_str() });
        let (created_soft, created_hard) = (graded(Severity::Soft), graded(Severity::Hard));
        keep(kept, "claims_created_total", "Claims granted", created);
        kept.sub_registry_with_label(("version".into(), env!("CARGO_PKG_VERSION").into())).register(
            "build_info",
            "The version that runs",
            ConstGauge::new(1_u32),
        );
        let request_time: Family<At, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let counter = |kept: &mut Registry, name, help| keep(kept, name, help, Count::default());
        Meters {
            created_soft,
            created_hard,
            conflicts: counter(
                kept,
                "claims_conflicts_total",
                "Claims in the way of items that were refused or had to wait",
            ),
            released: counter(kept, "claims_released_total", "Claims let go on request"),
            auth_failures: counter(kept, "auth_failures_total", "Requests without the right token"),
            requests: keep(kept, "http_requests_total", "Requests answered", Family::default()),
            request_time: keep(
                kept,
                "http_request_duration_seconds",
                "Time from the head of a request to its answer, less the time that it waited for others",
                request_time,
            ),
            decision_time: keep(
                kept,
                "decision_duration_seconds",
                "Time to decide a batch of commands",
                Histogram::new(DECISION_BUCKETS),
            ),
            commit_time: keep(
                kept,
                "commit_duration_seconds",
                "Time to write and commit a batch",
                Histogram::new(BUCKETS),
            ),
            store_failures: counter(kept, "store_failures_total", "Batches that could not be stored"),
            outbox_depth: AtomicUsize::new(0),
            connections: Arc::default(),
            slow,
            registry,
        }
    }

    /// Counts a request that was answered.
    pub(super) fn request(&self, method: &'static str, path: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&Answered { method, path, status }).0.inc();
        self.request_time.get_or_create(&At { path }).observe(took.as_secs_f64());
    }

    /// Counts a request that showed no token, or a wrong one.
    pub(super) fn auth_failure(&self) {
        self.auth_failures.0.inc();
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(super) fn connection(&self) -> Arc<()> {
        self.connections.clone()
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        Arc::strong_count(&self.connections) - 1
    }

    /// Everything, with gauges that were just read, in text format 0.0.4.
    pub(super) fn text(&self, gauges: impl IntoIterator<Item = Reading>) -> String {
        let mut read = Registry::default();
        for (name, help, value) in gauges {
            read.register(name, help, ConstGauge::new(value));
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &read))
            .expect("a string takes all, and gauges are within bounds");
        text
    }

    fn count(&self, changes: &Changes) {
        let (mut soft, mut hard, mut released, mut refused) = (0, 0, 0, 0);
        for record in &changes.records {
            match &record.change {
                Change::ClaimGranted(claim) if claim.severity == Severity::Hard => hard += 1,
                Change::ClaimGranted(_) => soft += 1,
                Change::ClaimReleased { kind: ReleaseKind::Voluntary | ReleaseKind::SessionBulk, .. } => {
                    released += 1;
                }
                Change::ClaimRefused { attempts, .. } => {
                    refused += attempts.iter().map(|attempt| attempt.holders.len() as u64).sum::<u64>();
                }
                _ => {}
            }
        }
        for (counter, more) in [
            (&self.created_soft, soft),
            (&self.created_hard, hard),
            (&self.released, released),
            (&self.conflicts, refused),
        ] {
            if more > 0 {
                counter.0.inc_by(more);
            }
        }
    }
}

/// Registers a metric, and returns it to count with.
fn keep<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Observer for Arc<Meters> {
    fn stored(&self, batch: &Batch<'_>) {
        let spent = &batch.spent;
        self.decision_time.observe(spent.deciding.as_secs_f64());
        if let Some(committing) = spent.committing {
            self.commit_time.observe(committing.as_secs_f64());
        }
        if let Some(changes) = batch.changes {
            self.count(changes);
        }
        for answer in batch.answers {
            if let Answer::Decided(Outcome::Refused(refused)) = answer {
                // The log has only those that are spelled out.
                self.conflicts.0.inc_by(refused.conflicts.left_out as u64);
            }
        }
        let committing = spent.committing.unwrap_or_default();
        let longest = spent.waiting.max(spent.deciding).max(committing);
        if self.slow.is_some_and(|slow| longest > slow) {
            tracing::warn!(
                orders = batch.answers.len(),
                records = batch.changes.map_or(0, |changes| changes.records.len()),
                wait_ms = millis(spent.waiting),
                decision_ms = millis(spent.deciding),
                commit_ms = millis(committing),
                "a batch of decisions was slow"
            );
        }
    }

    fn failed(&self) {
        self.store_failures.0.inc();
    }
}

#[cfg(test)]
#[path = "meters_tests.rs"]
mod tests;
