//! A body: JSON with its keys sorted and a blank after each comma and colon, as 0.27 wrote it.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value, json};

use crate::engine::Timestamp;
use crate::wire::time;

/// The body that tells of an event. The same event is the same text, byte for byte.
///
/// Text is UTF-8, not escaped: a signature is of the bytes as they are sent.
#[must_use]
pub fn payload(event_type: &str, detail: &Value, at: Timestamp) -> String {
    let body = json!({ "detail": detail, "event_type": event_type, "timestamp": time(at) });
    let mut text = Vec::new();
    sorted(&body)
        .serialize(&mut Serializer::with_formatter(&mut text, Spaced))
        .expect("a value has only text keys, and memory takes all of it");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// The same value with its keys in order. Whether a map keeps them so by itself is up to whoever builds `serde_json`.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            let pairs = pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// Separates with `", "` and `": "`.
struct Spaced;

impl Spaced {
    fn separate<W: ?Sized + io::Write>(writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        Spaced::separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        Spaced::separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_769_860_800_999);

    #[test]
    fn keys_are_sorted_all_the_way_down() {
        let detail = json!({
            "requester_claim_id": "r",
            "holder_claim_id": "h",
            "overlapping_symbols": [{"symbols": ["get", "put"], "file": "a.ts"}, {"symbols": [], "file": "b.ts"}],
            "overlapping_paths": [],
            "Zeta": {},
            "é": null,
            "subtree": false,
            "threshold": 1,
        });
        assert_eq!(
            payload("auto-narrow", &detail, AT),
            r#"{"detail": {"Zeta": {}, "holder_claim_id": "h", "overlapping_paths": [], "overlapping_symbols": [{"file": "a.ts", "symbols": ["get", "put"]}, {"file": "b.ts", "symbols": []}], "requester_claim_id": "r", "subtree": false, "threshold": 1, "é": null}, "event_type": "auto-narrow", "timestamp": "2026-01-31T12:00:00Z"}"#
        );
    }

    #[test]
    fn odd_texts_come_back_as_they_went_in() {
        let detail = json!({ "engineer": "a\"b\\c\n\u{1}\u{1F600}über, \": \"" });
        let text = payload("claim_granted", &detail, AT);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read,
            json!({"detail": detail, "event_type": "claim_granted", "timestamp": "2026-01-31T12:00:00Z"})
        );
        assert!(text.contains("über") && !text.contains('\n'), "{text}");
    }
}
