//! Reads the fields of one object: how a field may be absent, and what kinds of value it may have.
//!
//! `fields.optional("ttl_hours", integer(0..=87_600))` reads as it says. The three ways to be present
//! ([`Fields::required`], [`Fields::optional`], [`Fields::or`]) take any kind: [`text`], [`filled`], [`name`],
//! [`integer`], [`boolean`], [`one_of`], and [`list`] and [`object`] of others. A kind takes what coord 0.27 took for it,
//! and notes what is wrong in its words.
//!
//! Everything is bounded: names, lists and the number of errors told.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::input::{FieldError, Invalid, Loc};

/// The longest name (of an engineer, branch, repository, session, symbol, claim) in characters.
pub const MAX_NAME_CHARS: usize = 1_000;

/// The most errors one reply tells. Those beyond it are dropped.
pub const MAX_ERRORS: usize = 100;

pub(super) const NOT_AN_OBJECT: &str = "Input should be a valid dictionary or object to extract fields from";

/// The fields of one object, and what was wrong with those read so far.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    in_query: bool,
    path: Vec<Loc>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(root: &'static str, object: &'a Map<String, Value>) -> Self {
        Self { object, in_query: root == "query", path: vec![Loc::Name(root)], errors: Vec::new() }
    }

    /// Lets `read` ask for fields, and returns what it made of them unless one was faulty.
    pub(super) fn finish<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> Result<T, Invalid> {
        let value = read(&mut self);
        if self.errors.is_empty() { Ok(value) } else { Err(Invalid::Fields { detail: self.errors }) }
    }

    /// Reads a field that must be there.
    pub fn required<T: Default>(
        &mut self,
        name: &'static str,
        kind: impl Fn(&mut Self, &'a Value) -> Option<T>,
    ) -> T {
        self.at(Loc::Name(name), |fields| match fields.object.get(name) {
            Some(value) => kind(fields, value),
            None if fields.in_query => fields.fail("missing", "Field required", &Value::Null, None),
            None => fields.fail("missing", "Field required", fields.object, None),
        })
        .unwrap_or_default()
    }

    /// Reads a field that may be absent or null; both are `None`.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        kind: impl Fn(&mut Self, &'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        self.at(Loc::Name(name), |fields| kind(fields, value))
    }

    /// Reads a field that may be absent, but not null.
    pub fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        kind: impl Fn(&mut Self, &'a Value) -> Option<T>,
    ) -> T {
        let Some(value) = self.object.get(name) else { return default };
        self.at(Loc::Name(name), |fields| kind(fields, value)).unwrap_or(default)
    }

    fn at<T>(&mut self, step: Loc, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    /// Takes the last value of a repeated parameter; in a query, a list is nothing else.
    fn single(&self, value: &'a Value) -> &'a Value {
        if self.in_query { value.as_array().and_then(|values| values.last()).unwrap_or(value) } else { value }
    }

    fn fail<T>(
        &mut self,
        kind: &'static str,
        msg: impl Into<Cow<'static, str>>,
        input: &impl Serialize,
        ctx: Option<Value>,
    ) -> Option<T> {
        if self.errors.len() < MAX_ERRORS {
            let input = json!(input);
            self.errors.push(FieldError { kind, loc: self.path.clone(), msg: msg.into(), input, ctx });
        }
        None
    }
}

/// A text that only the size of the body bounds.
pub fn text<'a>(fields: &mut Fields<'a>, value: &'a Value) -> Option<String> {
    let value = fields.single(value);
    match value {
        Value::String(text) => Some(text.clone()),
        other => fields.fail("string_type", "Input should be a valid string", other, None),
    }
}

/// A text of at least one character.
pub fn filled<'a>(fields: &mut Fields<'a>, value: &'a Value) -> Option<String> {
    text(fields, value).and_then(|text| match text.is_empty() {
        false => Some(text),
        true => {
            let ctx = Some(json!({ "min_length": 1 }));
            fields.fail("string_too_short", "String should have at least 1 character", &text, ctx)
        }
    })
}

/// A text of at most [`MAX_NAME_CHARS`] characters.
pub fn name<'a>(fields: &mut Fields<'a>, value: &'a Value) -> Option<String> {
    let text = text(fields, value)?;
    if text.len() > MAX_NAME_CHARS && text.chars().count() > MAX_NAME_CHARS {
        let msg = format!("String should have at most {MAX_NAME_CHARS} characters");
        return fields.fail("string_too_long", msg, &text, Some(json!({ "max_length": MAX_NAME_CHARS })));
    }
    Some(text)
}

/// One of a few words, and what it stands for.
pub fn one_of<'a, T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(&mut Fields<'a>, &'a Value) -> Option<T> {
    move |fields, value| {
        let value = fields.single(value);
        let meant = words.iter().find(|(word, _)| value.as_str() == Some(*word));
        meant.map(|(_, meant)| *meant).or_else(|| {
            let quoted: Vec<String> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
            let (last, others) = quoted.split_last().expect("there are words");
            let expected =
                if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) };
            let ctx = Some(json!({ "expected": expected }));
            fields.fail("literal_error", format!("Input should be {expected}"), value, ctx)
        })
    }
}

/// A whole number within `range`, which may be written as a text or with a fraction of zero.
pub fn integer<'a>(range: RangeInclusive<i64>) -> impl Fn(&mut Fields<'a>, &'a Value) -> Option<i64> {
    move |fields, value| {
        let value = fields.single(value);
        let (least, most) = (*range.start(), *range.end());
        match as_integer(value) {
            Err((kind, msg)) => fields.fail(kind, msg, value, None),
            Ok(number) if number < least => {
                let msg = format!("Input should be greater than or equal to {least}");
                fields.fail("greater_than_equal", msg, value, Some(json!({ "ge": least })))
            }
            Ok(number) if number > most => {
                let msg = format!("Input should be less than or equal to {most}");
                fields.fail("less_than_equal", msg, value, Some(json!({ "le": most })))
            }
            Ok(number) => Some(number),
        }
    }
}

/// Takes a value for a whole number, or says by error kind and message why not.
fn as_integer(value: &Value) -> Result<i64, (&'static str, &'static str)> {
    match value {
        Value::Bool(truth) => Ok(i64::from(*truth)),
        Value::String(text) => whole(text)
            .ok_or(("int_parsing", "Input should be a valid integer, unable to parse string as an integer")),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            None => Ok(number.as_i64().unwrap_or(i64::MAX)),
            Some(float) if float.fract() != 0.0 => Err((
                "int_from_float",
                "Input should be a valid integer, got a number with a fractional part",
            )),
            Some(float) if float.abs() >= MAX_WHOLE_FLOAT => {
                Err(("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"))
            }
            Some(float) => Ok(float as i64),
        },
        _ => Err(("int_type", "Input should be a valid integer")),
    }
}

/// 2^63: floats from here on are no `i64`.
const MAX_WHOLE_FLOAT: f64 = 9_223_372_036_854_775_808.0;

/// Parses a sign, digits with single underscores between them, and a fraction of zeros, among white space.
/// What an `i64` cannot hold becomes the nearest that it can.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (negative, digits) = match whole.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, whole.strip_prefix('+').unwrap_or(whole)),
    };
    let groups_are_digits =
        digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !groups_are_digits || fraction.is_empty() || fraction.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let digits = digits.bytes().filter(|byte| *byte != b'_').map(|byte| i64::from(byte - b'0'));
    Some(digits.fold(0i64, |sum, digit| {
        let sum = sum.saturating_mul(10);
        if negative { sum.saturating_sub(digit) } else { sum.saturating_add(digit) }
    }))
}

/// A truth value, which may be written as 0 or 1 or as one of the usual words, in any case.
pub fn boolean<'a>(fields: &mut Fields<'a>, value: &'a Value) -> Option<bool> {
    const TRUE: [&str; 6] = ["1", "on", "t", "true", "y", "yes"];
    const FALSE: [&str; 6] = ["0", "off", "f", "false", "n", "no"];
    let value = fields.single(value);
    let is_one_of = |text: &str, words: [&str; 6]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match value {
        Value::Bool(truth) => return Some(*truth),
        Value::String(text) if is_one_of(text, TRUE) => return Some(true),
        Value::String(text) if is_one_of(text, FALSE) => return Some(false),
        Value::String(_) => {}
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => return Some(false),
            Some(1.0) => return Some(true),
            Some(float) if float.fract() == 0.0 && float.abs() < MAX_WHOLE_FLOAT => {}
            _ => return fields.fail("bool_type", "Input should be a valid boolean", value, None),
        },
        _ => return fields.fail("bool_type", "Input should be a valid boolean", value, None),
    }
    fields.fail("bool_parsing", "Input should be a valid boolean, unable to interpret input", value, None)
}

/// A list of at most `max` values of one kind.
pub fn list<'a, T>(
    max: usize,
    kind: impl Fn(&mut Fields<'a>, &'a Value) -> Option<T>,
) -> impl Fn(&mut Fields<'a>, &'a Value) -> Option<Vec<T>> {
    move |fields, value| {
        let Value::Array(values) = value else {
            return fields.fail("list_type", "Input should be a valid list", value, None);
        };
        let len = values.len();
        if len > max {
            let msg = format!("List should have at most {max} items after validation, not {len}");
            let ctx = json!({ "field_type": "List", "max_length": max, "actual_length": len });
            return fields.fail("too_long", msg, value, Some(ctx));
        }
        let mut items = Vec::with_capacity(len);
        for (index, value) in values.iter().enumerate() {
            items.extend(fields.at(Loc::Index(index), |fields| kind(fields, value)));
        }
        Some(items)
    }
}

/// An object, whose fields `read` reads.
pub fn object<'a, T>(
    read: impl Fn(&mut Fields<'a>) -> T,
) -> impl Fn(&mut Fields<'a>, &'a Value) -> Option<T> {
    move |fields, value| {
        let Value::Object(inner) = value else {
            return fields.fail("model_attributes_type", NOT_AN_OBJECT, value, None);
        };
        let outer = std::mem::replace(&mut fields.object, inner);
        let item = read(fields);
        fields.object = outer;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the fields of `object`.
    fn read<'a, T>(object: &'a Value, fields: impl FnOnce(&mut Fields<'a>) -> T) -> Result<T, Invalid> {
        Fields::new("body", object.as_object().unwrap()).finish(fields)
    }

    /// The same, with what was read as JSON and each error as `kind loc`.
    fn outcome<'a, T: Serialize>(
        object: &'a Value,
        fields: impl FnOnce(&mut Fields<'a>) -> T,
    ) -> Result<Value, Vec<String>> {
        read(object, fields).map(|value| json!(value)).map_err(|error| kinds(&error))
    }

    fn kinds(error: &Invalid) -> Vec<String> {
        let Invalid::Fields { detail } = error else { return vec!["encoding".to_owned()] };
        let line = |error: &FieldError| format!("{} {}", error.kind, json!(error.loc));
        detail.iter().map(line).collect()
    }

    fn detail(error: &Invalid) -> Value {
        json!(error)["detail"].clone()
    }

    #[test]
    fn whole_numbers() {
        let accepted = [
            (json!(3), 3),
            (json!(3.0), 3),
            (json!(-0.0), 0),
            (json!(1e16), 10_000_000_000_000_000),
            (json!(true), 1),
            (json!(false), 0),
            (json!("3"), 3),
            (json!(" 3 "), 3),
            (json!("\n3\t"), 3),
            (json!("\u{a0}3"), 3),
            (json!("+3"), 3),
            (json!("-3"), -3),
            (json!("-0"), 0),
            (json!("03"), 3),
            (json!("3.0"), 3),
            (json!(" +3.00"), 3),
            (json!("1_000"), 1_000),
            (json!("1_0.0"), 10),
            (json!("9223372036854775808"), i64::MAX),
            (json!(u64::MAX), i64::MAX),
            (json!("-99999999999999999999"), i64::MIN),
        ];
        for (value, expected) in accepted {
            let read = outcome(&json!({ "f": value }), |f| f.required("f", integer(i64::MIN..=i64::MAX)));
            assert_eq!(read, Ok(json!(expected)), "{value}");
        }
        let texts = [
            "", "abc", "3a", "3.5", "3.", ".0", "1e3", "0x10", "1,000", "1__0", "_1", "1_", "+_3", "- 3",
            "--3", "+-3", "+ 3", "3.0_0", "\u{661}", "\u{ff11}",
        ];
        let refused = [
            (json!(1.5), "int_from_float"),
            (json!(-1.5), "int_from_float"),
            (json!(1e300), "int_parsing_size"),
            (json!(9.3e18), "int_parsing_size"),
            (json!(null), "int_type"),
            (json!([]), "int_type"),
            (json!({}), "int_type"),
        ];
        for (value, kind) in refused.into_iter().chain(texts.map(|text| (json!(text), "int_parsing"))) {
            let read = outcome(&json!({ "f": value }), |f| f.or("f", 0, integer(i64::MIN..=i64::MAX)));
            assert_eq!(read, Err(vec![format!(r#"{kind} ["body","f"]"#)]), "{value}");
        }
    }

    #[test]
    fn ranges() {
        let number =
            |value: Value| read(&json!({ "f": value }), |fields| fields.optional("f", integer(0..=600)));
        assert_eq!(number(json!("600")), Ok(Some(600)));
        assert_eq!(number(json!(null)), Ok(None));
        let over = |input: Value| {
            json!([{"type": "less_than_equal", "loc": ["body", "f"], "input": input, "ctx": {"le": 600},
                    "msg": "Input should be less than or equal to 600"}])
        };
        assert_eq!(detail(&number(json!(601)).unwrap_err()), over(json!(601)));
        assert_eq!(detail(&number(json!("601")).unwrap_err()), over(json!("601")));
        assert_eq!(
            detail(&number(json!(-1)).unwrap_err()),
            json!([{"type": "greater_than_equal", "loc": ["body", "f"], "input": -1, "ctx": {"ge": 0},
                    "msg": "Input should be greater than or equal to 0"}])
        );
    }

    #[test]
    fn words() {
        const WORDS: [(&str, u8); 3] = [("a", 1), ("b-c", 2), ("d", 3)];
        let word = |value: Value| read(&json!({ "f": value }), |fields| fields.required("f", one_of(&WORDS)));
        assert_eq!(word(json!("b-c")), Ok(2));
        for input in [json!("A"), json!(""), json!(1), json!(null), json!(["a"])] {
            assert_eq!(
                detail(&word(input.clone()).unwrap_err()),
                json!([{"type": "literal_error", "loc": ["body", "f"], "input": input,
                        "msg": "Input should be 'a', 'b-c' or 'd'", "ctx": {"expected": "'a', 'b-c' or 'd'"}}])
            );
        }
    }

    #[test]
    fn truth_values() {
        let yes = [
            json!(true),
            json!(1),
            json!(1.0),
            json!("1"),
            json!("tRue"),
            json!("T"),
            json!("Y"),
            json!("YES"),
            json!("on"),
        ];
        let no = [
            json!(false),
            json!(0),
            json!(0.0),
            json!("0"),
            json!("False"),
            json!("f"),
            json!("n"),
            json!("no"),
            json!("Off"),
        ];
        for (value, expected) in yes.map(|v| (v, true)).into_iter().chain(no.map(|v| (v, false))) {
            let read = outcome(&json!({ "f": value }), |f| f.or("f", !expected, boolean));
            assert_eq!(read, Ok(json!(expected)), "{value}");
        }
        let refused = [
            (json!(2), "bool_parsing"),
            (json!(-1.0), "bool_parsing"),
            (json!(""), "bool_parsing"),
            (json!(" true"), "bool_parsing"),
            (json!("enabled"), "bool_parsing"),
            (json!(1.5), "bool_type"),
            (json!(1e30), "bool_type"),
            (json!(null), "bool_type"),
            (json!([]), "bool_type"),
        ];
        for (value, kind) in refused {
            let read = outcome(&json!({ "f": value }), |f| f.or("f", false, boolean));
            assert_eq!(read, Err(vec![format!(r#"{kind} ["body","f"]"#)]), "{value}");
        }
    }

    #[test]
    fn texts_and_their_bounds() {
        let long = "é".repeat(MAX_NAME_CHARS);
        assert_eq!(outcome(&json!({ "f": long }), |f| f.required("f", name)), Ok(json!(long)));
        let longer = format!("{long}x");
        assert_eq!(outcome(&json!({ "f": longer }), |f| f.required("f", text)), Ok(json!(longer)));
        let refused = read(&json!({ "f": longer }), |f| f.required("f", name)).unwrap_err();
        assert_eq!(
            detail(&refused),
            json!([{"type": "string_too_long", "loc": ["body", "f"], "input": longer,
                    "msg": "String should have at most 1000 characters", "ctx": {"max_length": 1000}}])
        );
        let refused = read(&json!({ "f": "" }), |f| f.required("f", filled)).unwrap_err();
        assert_eq!(
            detail(&refused),
            json!([{"type": "string_too_short", "loc": ["body", "f"], "input": "", "ctx": {"min_length": 1},
                    "msg": "String should have at least 1 character"}])
        );
        assert_eq!(outcome(&json!({ "f": null }), |f| f.optional("f", name)), Ok(json!(null)));
        for value in [json!(null), json!(3), json!(true), json!([]), json!({})] {
            let read = outcome(&json!({ "f": value }), |f| f.required("f", name));
            assert_eq!(read, Err(vec![r#"string_type ["body","f"]"#.to_owned()]), "{value}");
        }
    }

    #[test]
    fn lists() {
        let names = |value: Value| outcome(&json!({ "f": value }), |f| f.required("f", list(3, name)));
        assert_eq!(names(json!(["a", "b", "c"])), Ok(json!(["a", "b", "c"])));
        assert_eq!(
            names(json!([1, null, "a"])),
            Err(vec![r#"string_type ["body","f",0]"#.to_owned(), r#"string_type ["body","f",1]"#.to_owned()])
        );
        for value in [json!(null), json!("a"), json!(3), json!({"a": 1}), json!(true)] {
            assert_eq!(names(value), Err(vec![r#"list_type ["body","f"]"#.to_owned()]));
        }
        let refused = read(&json!({ "f": [1, 2] }), |f| f.optional("f", list(1, name))).unwrap_err();
        assert_eq!(
            detail(&refused),
            json!([{"type": "too_long", "loc": ["body", "f"], "input": [1, 2],
                    "msg": "List should have at most 1 items after validation, not 2",
                    "ctx": {"field_type": "List", "max_length": 1, "actual_length": 2}}])
        );
    }

    #[test]
    fn the_number_of_errors_is_bounded() {
        let refused = read(&json!({ "f": vec![0; 500] }), |f| f.required("f", list(500, name)));
        assert_eq!(kinds(&refused.unwrap_err()).len(), MAX_ERRORS);
    }
}
