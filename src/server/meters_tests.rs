//! What is counted, how it is written, and when a batch is slow.

use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::coordinator::Spent;
use crate::engine::{ClaimNumber, Conflicts, Record, Refused, Revision, Timestamp};

fn meters(slow: Option<Duration>) -> Arc<Meters> {
    Arc::new(Meters::new(slow))
}

fn spent(waiting: u64, deciding: u64, committing: u64) -> Spent {
    Spent {
        waiting: Duration::from_millis(waiting),
        deciding: Duration::from_millis(deciding),
        committing: Some(Duration::from_millis(committing)),
    }
}

#[test]
fn the_text_is_of_the_old_format() {
    let meters = meters(None);
    meters.request("GET", "/claims", 200, Duration::from_millis(3));
    let text = meters.text([("claims_active", "Claims held", 7)]);
    for line in [
        "# HELP claims_created_total Claims granted.",
        "# TYPE claims_created_total counter",
        "claims_created_total{severity=\"soft\"} 0",
        "claims_created_total{severity=\"hard\"} 0",
        "# TYPE auth_failures_total counter",
        "auth_failures_total 0",
        "# TYPE build_info gauge",
        concat!("build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "# TYPE http_requests_total counter",
        "http_requests_total{method=\"GET\",path=\"/claims\",status=\"200\"} 1",
        "# TYPE http_request_duration_seconds histogram",
        "http_request_duration_seconds_bucket{le=\"0.0025\",path=\"/claims\"} 0",
        "http_request_duration_seconds_bucket{le=\"0.005\",path=\"/claims\"} 1",
        "http_request_duration_seconds_bucket{le=\"+Inf\",path=\"/claims\"} 1",
        "http_request_duration_seconds_count{path=\"/claims\"} 1",
        "# TYPE claims_active gauge",
        "claims_active 7",
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in\n{text}");
    }
    for foreign in ["# EOF", "# UNIT", "_total_total", "_info_info"] {
        assert!(!text.contains(foreign), "{foreign} in\n{text}");
    }
    let mut families: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    let count = families.len();
    families.dedup();
    assert_eq!(families.len(), count, "every family is told once");
}

#[test]
fn conflicts_and_releases() {
    let meters = meters(None);
    let refused = |left_out| {
        let conflicts = Conflicts { list: Vec::new(), left_out };
        Answer::Decided(Outcome::Refused(Refused { conflicts }))
    };
    let kinds = [ReleaseKind::Voluntary, ReleaseKind::SessionBulk, ReleaseKind::TtlOrIdle];
    let over = |kind| Record {
        revision: Revision(1),
        at: Timestamp(0),
        room: None,
        change: Change::ClaimReleased { claim: ClaimNumber(1), kind, by: None },
    };
    let changes = Changes { records: kinds.map(over).into(), ..Changes::default() };
    let answers = [refused(3), Answer::Decided(Outcome::Done), refused(4)];
    meters.stored(&Batch { answers: &answers, changes: Some(&changes), spent: spent(0, 0, 1) });
    meters.stored(&Batch { answers: &[], changes: None, spent: Spent::default() });
    meters.failed();
    meters.auth_failure();
    let text = meters.text([]);
    for line in [
        "claims_conflicts_total 7",
        "claims_released_total 2",
        "auth_failures_total 1",
        "store_failures_total 1",
        "decision_duration_seconds_count 2",
        "commit_duration_seconds_count 1",
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in\n{text}");
    }
}

#[test]
fn a_connection_counts_while_it_is_held() {
    let meters = meters(None);
    let (one, two) = (meters.connection(), meters.connection());
    assert_eq!(meters.connections(), 2);
    drop((one, two));
    assert_eq!(meters.connections(), 0);
}

#[test]
fn slow_batches_are_told_of_with_numbers() {
    let quarter = Some(Duration::from_millis(250));
    for (slow, spent, told) in [
        (quarter, spent(0, 250, 250), false),
        (quarter, spent(0, 251, 0), true),
        (quarter, spent(0, 0, 251), true),
        (quarter, spent(251, 0, 0), true),
        (None, spent(9000, 9000, 9000), false),
    ] {
        let log = logged(|| {
            let answers = [Answer::KeyReused];
            meters(slow).stored(&Batch { answers: &answers, changes: None, spent });
        });
        assert_eq!(!log.is_empty(), told, "{spent:?}: {log}");
        if told {
            for number in [
                "orders=1".to_owned(),
                "records=0".to_owned(),
                format!("decision_ms={:?}", millis(spent.deciding)),
                format!("commit_ms={:?}", millis(spent.committing.unwrap())),
                format!("wait_ms={:?}", millis(spent.waiting)),
            ] {
                assert!(log.contains("WARN") && log.contains(&number), "no {number} in {log}");
            }
        }
    }
}

/// What is logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
