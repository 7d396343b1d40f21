//! Logs: who asked what, and what went wrong. To stderr, as text or as JSON, one line each.
//!
//! JSON lines have the keys of coord 0.27: `ts`, `level`, `logger`, `msg`, then what the event adds. Every line that is
//! written while a request is answered has its `request_id`. Paths are templates, methods are known ones and query strings
//! are left out, so that no log holds a token or grows with what strangers ask for.

use std::fmt;
use std::time::Duration;

use hyper::header::HeaderValue;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock;
use crate::workspace::Env;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Starts logging as `COORD_LOG_LEVEL` and `COORD_LOG_JSON` say; a second call in one process changes nothing.
pub fn init(env: &Env) {
    let json = env
        .get("COORD_LOG_JSON")
        .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"));
    let level = match env.get("COORD_LOG_LEVEL").unwrap_or("info").to_ascii_lowercase().as_str() {
        "critical" | "error" => LevelFilter::ERROR,
        "warning" | "warn" => LevelFilter::WARN,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        "off" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    };
    let format = Format(if json { LogFormat::Json } else { LogFormat::Text });
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).event_format(format);
    // The only failure is that logging has been started before, which is as good.
    let _ = subscriber.try_init();
}

tokio::task_local! {
    /// The id of the request that is being answered.
    static REQUEST_ID: HeaderValue;
}

/// Answers the request of that id: lines that are logged meanwhile have it.
pub(super) async fn during<T>(id: HeaderValue, answering: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(id, answering).await
}

/// Logs one answered request.
pub(super) fn log(method: &str, path: &str, status: u16, took: Duration, request_id: &HeaderValue) {
    tracing::info!(
        target: "coordination.access",
        event = "http_request",
        method,
        path,
        status,
        duration_ms = millis(took),
        request_id = request_id.to_str().unwrap_or_default(),
        "http_request"
    );
}

/// A time in milliseconds, as logs tell it.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

struct Format(LogFormat);

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let logger = match metadata.target() {
            target if target.starts_with("coordination.") => target,
            _ => "coordination",
        };
        let ts = jiff::Timestamp::from_millisecond(clock::now().0).unwrap_or(jiff::Timestamp::MAX);
        let message = match fields.0.iter().position(|(name, _)| *name == "message") {
            Some(at) => fields.0.remove(at).1,
            None => Value::default(),
        };
        // What is logged from elsewhere, as by the coordinator's thread, belongs to no one request.
        let _ = REQUEST_ID.try_with(|id| {
            if !fields.0.iter().any(|(name, _)| *name == "request_id") {
                fields.0.push(("request_id", id.to_str().unwrap_or_default().into()));
            }
        });
        match self.0 {
            LogFormat::Json => {
                let head = [
                    ("ts", format!("{ts:.6}").into()),
                    ("level", level(*metadata.level()).into()),
                    ("logger", logger.into()),
                    ("msg", message),
                ];
                let pairs = head.into_iter().chain(fields.0);
                let pairs: Vec<String> =
                    pairs.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
                writeln!(writer, "{{{}}}", pairs.join(","))
            }
            LogFormat::Text => {
                write!(writer, "{ts:.3} {} {logger} {}", level(*metadata.level()), plain(&message))?;
                for (name, value) in fields.0.iter().filter(|(name, _)| *name != "event") {
                    write!(writer, " {name}={}", plain(value))?;
                }
                writeln!(writer)
            }
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// A value without quotes where it needs none.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !text.contains(|c: char| c.is_control()) => text.into(),
        _ => value.to_string(),
    }
}

/// What an event adds, in the order it was added in.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name(), value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, text);
    }
}
