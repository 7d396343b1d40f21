//! Takes what came over the wire and says everything that is wrong with it at once.
//!
//! Callers of coord 0.27 rely on what it let pass (`"3"` for 3, `"yes"` for true, fields nobody knows) and on
//! the shape of its 422 replies, `{"detail": [{type, loc, msg, input, ctx?}]}`. Both are kept: error kinds,
//! their words and their order (that of the fields as declared) are its own.
//!
//! [`Body::parse`] and [`Query::parse`] take the bytes; their `read` hands [`Fields`] to a closure that asks for
//! one field after another. A faulty field yields a default and is noted; `read` then returns the notes instead
//! of the closure's value, so nothing faulty leaves this module.
//!
//! It knows types and ranges only. What a value means, such as whether a pattern makes sense, is decided
//! elsewhere, and the size of a body is the listener's matter.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, error::Category, json};
use thiserror::Error;

use super::fields::{Fields, NOT_AN_OBJECT};

/// Why a request was not read.
#[derive(Debug, Error, Serialize, PartialEq)]
#[serde(untagged)]
pub enum Invalid {
    /// The body is said to be JSON but is not UTF-8.
    #[error("the request body is not UTF-8")]
    Encoding {
        /// What the reply says.
        detail: &'static str,
    },
    /// The JSON is malformed, or fields are missing, mistyped or out of range.
    #[error("the request has {} invalid fields", detail.len())]
    Fields {
        /// Each error, in the order of the declared fields.
        detail: Vec<FieldError>,
    },
}

impl Invalid {
    /// Returns the HTTP status of the reply; its body is the error itself, serialized.
    pub fn status(&self) -> u16 {
        match self {
            Self::Encoding { .. } => 400,
            Self::Fields { .. } => 422,
        }
    }

    fn one(error: FieldError) -> Self {
        Self::Fields { detail: vec![error] }
    }
}

/// One thing wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldError {
    /// The kind of error, such as `missing` or `int_parsing`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where it is: `body` or `query`, then names and list positions.
    pub loc: Vec<Loc>,
    /// The same for people.
    pub msg: Cow<'static, str>,
    /// What was found there; for a missing field, the object that lacks it.
    pub input: Value,
    /// The bound that was passed, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

/// One step of the way to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Loc {
    /// A name.
    Name(&'static str),
    /// A position: of a list item, or of the character that is not JSON.
    Index(usize),
}

/// A request body.
#[derive(Debug)]
pub struct Body(Option<Value>);

impl Body {
    /// Parses a body. Without a JSON content type (`application/json` or `application/…+json`, parameters
    /// aside) it is a text, which [`Body::read`] then refuses, as it does no body at all.
    ///
    /// # Errors
    ///
    /// JSON that is malformed or not UTF-8.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, Invalid> {
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !content_type.is_some_and(is_json) {
            return Ok(Self(Some(String::from_utf8_lossy(bytes).into())));
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Invalid::Encoding { detail: "There was an error parsing the body" });
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        serde_json::from_str(text).map(|value| Self(Some(value))).map_err(|error| {
            Invalid::one(FieldError {
                kind: "json_invalid",
                loc: vec![Loc::Name("body"), Loc::Index(position(text, &error))],
                msg: "JSON decode error".into(),
                input: json!({}),
                ctx: Some(json!({ "error": reason(&error) })),
            })
        })
    }

    /// Reads the body's fields.
    ///
    /// # Errors
    ///
    /// No body, one that is not an object, and every faulty field that `fields` asked for.
    pub fn read<'a, T>(&'a self, fields: impl FnOnce(&mut Fields<'a>) -> T) -> Result<T, Invalid> {
        let (kind, msg, input) = match &self.0 {
            Some(Value::Object(map)) => return Fields::new("body", map).finish(fields),
            Some(other) => ("model_attributes_type", NOT_AN_OBJECT, other.clone()),
            None => ("missing", "Field required", Value::Null),
        };
        Err(Invalid::one(FieldError {
            kind,
            loc: vec![Loc::Name("body")],
            msg: msg.into(),
            input,
            ctx: None,
        }))
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.split_once('/').is_some_and(|(kind, subtype)| {
        let suffix = subtype.rsplit('+').next().unwrap_or_default();
        kind.eq_ignore_ascii_case("application") && suffix.eq_ignore_ascii_case("json")
    })
}

/// Where the parser stopped, in characters from the start.
fn position(text: &str, error: &serde_json::Error) -> usize {
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let stop = match error.classify() {
        Category::Eof => text.len(),
        _ => (line + error.column()).saturating_sub(1),
    };
    text.char_indices().take_while(|(at, _)| *at < stop).count()
}

/// The parser's words without the line and column, which `loc` tells.
fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    text.truncate(text.rfind(" at line ").unwrap_or(text.len()));
    text
}

/// A query string: every value of every key, in order.
#[derive(Debug, Default)]
pub struct Query(Map<String, Value>);

impl Query {
    /// Parses what follows the `?`. Nothing is malformed: what does not decode is taken as it is.
    pub fn parse(raw: &str) -> Self {
        let mut map = Map::new();
        for (key, value) in form_urlencoded::parse(raw.as_bytes()) {
            let values = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            values.as_array_mut().expect("only lists go in").push(value.into());
        }
        Self(map)
    }

    /// Reads the parameters. Of a repeated one the last counts, unless it is asked for as a list.
    ///
    /// # Errors
    ///
    /// Every faulty parameter that `fields` asked for.
    pub fn read<'a, T>(&'a self, fields: impl FnOnce(&mut Fields<'a>) -> T) -> Result<T, Invalid> {
        Fields::new("query", &self.0).finish(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::{integer, list, name};
    use super::*;

    const JSON: Option<&str> = Some("application/json");

    fn kinds(error: &Invalid) -> Vec<String> {
        let Invalid::Fields { detail } = error else { return vec!["encoding".to_owned()] };
        let line = |error: &FieldError| format!("{} {}", error.kind, json!(error.loc));
        detail.iter().map(line).collect()
    }

    fn detail(error: &Invalid) -> Value {
        json!(error)["detail"].clone()
    }

    #[test]
    fn bodies_that_are_no_objects() {
        let refused = |bytes: &str, content_type| {
            Body::parse(bytes.as_bytes(), content_type).unwrap().read(|_| ()).unwrap_err()
        };
        let missing = json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]);
        assert_eq!(detail(&refused("", JSON)), missing);
        assert_eq!(detail(&refused("", None)), missing);
        let no_object = |input: Value| {
            let msg = NOT_AN_OBJECT;
            json!([{"type": "model_attributes_type", "loc": ["body"], "msg": msg, "input": input}])
        };
        for text in ["[]", "null", "3", "\"x\"", "true"] {
            assert_eq!(detail(&refused(text, JSON)), no_object(serde_json::from_str(text).unwrap()));
        }
        for content_type in [
            None,
            Some(""),
            Some("json"),
            Some("+json"),
            Some("text/json"),
            Some("application/jsonx"),
            Some("application/ json"),
            Some("application/json, text/plain"),
            Some("application/x-www-form-urlencoded"),
        ] {
            assert_eq!(detail(&refused("{}", content_type)), no_object(json!("{}")), "{content_type:?}");
        }
    }

    #[test]
    fn json_by_any_of_its_names() {
        for content_type in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=latin1",
            "application/problem+json",
            "application/foo+JSON",
            "application/+json",
        ] {
            let body = Body::parse(b"\xef\xbb\xbf{}", Some(content_type)).unwrap();
            assert_eq!(body.read(|_| ()), Ok(()), "{content_type}");
        }
    }

    #[test]
    fn malformed_json_is_told_with_its_position() {
        let positions = [
            ("{", 1),
            ("{\"engineer\": ", 13),
            ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("[1,", 3),
            ("{\"a\":1} x", 8),
            ("{\"a\":01}", 6),
            ("{\"a\":\"\u{1}\"}", 6),
            ("\n\n{\"a\":\n}", 8),
            ("{\"a\" 1}", 5),
            ("{\"a\":1 \"b\":2}", 7),
            ("{\"é\":é}", 5),
            ("{'a':1}", 1),
            ("{\"a\":[1 2]}", 8),
            ("{\"a\":[1,]}", 8),
            ("{\"a\"", 4),
            ("{\"a\":1", 6),
            ("[1}", 2),
            ("+1", 0),
            ("\"\t\"", 1),
            (" ", 1),
        ];
        for (text, position) in positions {
            let error = Body::parse(text.as_bytes(), JSON).unwrap_err();
            assert_eq!(kinds(&error), [format!(r#"json_invalid ["body",{position}]"#)], "{text} {error:?}");
        }
        let error = Body::parse(b"nonsense", JSON).unwrap_err();
        assert_eq!(
            detail(&error),
            json!([{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error", "input": {},
                    "ctx": {"error": "expected ident"}}])
        );
        assert_eq!(error.status(), 422);
        for text in ["{\"a\":NaN}", "1e999", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\q\"}", "{\"a\":-}"] {
            assert!(
                kinds(&Body::parse(text.as_bytes(), JSON).unwrap_err())[0].starts_with("json_invalid"),
                "{text}"
            );
        }
        let error = Body::parse(b"{\"a\":\"\xff\"}", JSON).unwrap_err();
        assert_eq!(
            (error.status(), json!(error)),
            (400, json!({"detail": "There was an error parsing the body"}))
        );
    }

    #[test]
    fn queries() {
        let read = |raw: &str| {
            Query::parse(raw).read(|f| {
                (f.required("a", name), f.or("n", 30, integer(1..=90)), f.or("l", vec![], list(2, name)))
            })
        };
        let answer =
            |a: &str, n: i64, l: &[&str]| Ok((a.to_owned(), n, l.iter().map(|l| (*l).to_owned()).collect()));
        assert_eq!(read("a=x&a=y+z"), answer("y z", 30, &[]));
        assert_eq!(read("a&n=+3&l=p&l="), answer("", 3, &["p", ""]));
        assert_eq!(read("&&a=%2F%ff&n=1_0&n=2.0&=q&b=c;n=x"), answer("/\u{fffd}", 2, &[]));
        assert_eq!(
            detail(&read("n=91").unwrap_err()),
            json!([
                {"type": "missing", "loc": ["query", "a"], "msg": "Field required", "input": null},
                {"type": "less_than_equal", "loc": ["query", "n"], "input": "91", "ctx": {"le": 90},
                 "msg": "Input should be less than or equal to 90"},
            ])
        );
        for raw in ["a=&n", "a=&n=x", "a=&n=1.5"] {
            assert_eq!(kinds(&read(raw).unwrap_err()), [r#"int_parsing ["query","n"]"#]);
        }
        assert_eq!(kinds(&read("a=&l=1&l=2&l=3").unwrap_err()), [r#"too_long ["query","l"]"#]);
    }
}
