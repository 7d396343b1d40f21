//! Reads the requests of the claim routes from bodies and query strings.
//!
//! Field names, defaults and ranges are those of coord 0.27; what it did not bound is bounded here, and what it
//! did not know is marked so. Reading asks for the fields in the order in which their errors are told.

use super::fields::{Fields, boolean, filled, integer, list, name, object, text};
use super::input::{Body, Invalid, Query};
use crate::wire::{
    AskRequest, CheckPath, CheckRequest, ClaimItem, ClaimRequest, ExtendRequest, HotspotQuery, ListQuery,
    PromoteRequest, ReleaseRequest, RequestQuery, RespondRequest,
};

/// The most items of one request: claims, claim ids, or the symbols of one item.
pub const MAX_ITEMS: usize = 1_000;

/// The most patterns, and the most paths, of one check.
pub const MAX_CHECKED: usize = 20_000;

/// The most days that figures look back.
pub const MAX_DAYS: i64 = 90;

/// The most hotspots of one list.
pub const MAX_HOTSPOTS: i64 = 200;

/// The longest time to live, in hours: ten years.
pub const MAX_TTL_HOURS: i64 = 87_600;

/// The longest wait in a queue or for a decision, in seconds.
pub const MAX_WAIT_SECS: i64 = 600;

impl ClaimRequest {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            engineer: fields.required("engineer", name),
            branch: fields.optional("branch", name),
            description: fields.optional("description", text),
            claims: fields.required("claims", list(MAX_ITEMS, object(ClaimItem::read))),
            ttl_hours: fields
                .optional("ttl_hours", integer(0..=MAX_TTL_HOURS))
                .map(i64::unsigned_abs)
                .filter(|hours| *hours > 0),
            ttl_secs: fields.optional("ttl_secs", integer(1..=MAX_TTL_HOURS * 3600)).map(i64::unsigned_abs),
            repo: fields.optional("repo", name),
            session_id: fields.optional("session_id", name),
            wait_secs: fields
                .optional("wait_seconds", integer(0..=MAX_WAIT_SECS))
                .unwrap_or(0)
                .unsigned_abs(),
            urgency: fields.optional("urgency", name),
            queue_id: fields.optional("queue_id", name),
        })
    }
}

impl AskRequest {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            claim_id: fields.required("claim_id", name),
            requester: fields.required("requester", name),
            session_id: fields.optional("session_id", name).filter(|id| !id.is_empty()),
            reason: fields.optional("reason", text),
            urgency: fields.or("urgency", "normal".to_owned(), name),
            requested_scope: fields.optional("requested_scope", text),
            wait_secs: fields.or("wait_seconds", 60, integer(0..=MAX_WAIT_SECS)).unsigned_abs(),
        })
    }
}

impl RespondRequest {
    /// Reads the decision.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            decision: fields.required("decision", name),
            engineer: fields.optional("engineer", name),
            session_id: fields.optional("session_id", name).filter(|id| !id.is_empty()),
            note: fields.optional("note", text),
            narrowed_pattern: fields.optional("narrowed_pattern", text),
            coexist_pattern: fields.optional("coexist_pattern", text),
            literal: fields.or("literal", false, boolean),
        })
    }
}

impl RequestQuery {
    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// Every faulty parameter.
    pub fn from_query(query: &Query) -> Result<Self, Invalid> {
        query.read(|fields| Self {
            queued: fields.or("queued", false, boolean),
            requester: fields.optional("requester", name),
            claim_id: fields.optional("claim_id", name),
            decision: fields.optional("decision", name),
            state: fields.or("state", "waiting".to_owned(), name),
            repo: fields.optional("repo", name),
            holder: fields.optional("holder", name),
            queue_id: fields.optional("queue_id", name),
        })
    }
}

impl HotspotQuery {
    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// Every faulty parameter.
    pub fn from_query(query: &Query) -> Result<Self, Invalid> {
        query.read(|fields| Self {
            days: fields.or("days", 30, integer(1..=MAX_DAYS)).unsigned_abs(),
            min_attempts: fields.or("min_attempts", 5, integer(1..=i64::MAX)).unsigned_abs(),
            limit: usize::try_from(fields.or("limit", 20, integer(1..=MAX_HOTSPOTS))).unwrap_or(20),
            repo: fields.optional("repo", name),
        })
    }
}

impl PromoteRequest {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            action: fields.required("action", name),
            pattern: fields.required("pattern", filled),
            repo: fields.optional("repo", name),
            note: fields.optional("note", text),
        })
    }
}

impl ClaimItem {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            claim_type: fields.required("type", name),
            pattern: fields.required("pattern", text),
            symbols: fields.optional("symbols", list(MAX_ITEMS, name)),
            narrowable: fields.optional("narrowable", boolean),
            literal: fields.or("literal", false, boolean),
        }
    }
}

impl ReleaseRequest {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            claim_ids: fields.required("claim_ids", list(MAX_ITEMS, name)),
            engineer: fields.optional("engineer", name),
        })
    }
}

impl ExtendRequest {
    /// Reads the request.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            engineer: fields.required("engineer", name),
            ttl_hours: fields.or("ttl_hours", 2, integer(1..=MAX_TTL_HOURS)).unsigned_abs(),
            ttl_secs: fields.optional("ttl_secs", integer(1..=MAX_TTL_HOURS * 3600)).map(i64::unsigned_abs),
        })
    }
}

impl CheckRequest {
    /// Reads the request from `pattern` and `symbol` parameters.
    ///
    /// # Errors
    ///
    /// Every faulty parameter.
    pub fn from_query(query: &Query) -> Result<Self, Invalid> {
        query.read(|fields| Self {
            patterns: fields.or("pattern", Vec::new(), list(MAX_CHECKED, text)),
            engineer: fields.required("engineer", name),
            repo: fields.optional("repo", name),
            session_ids: fields.or("session_id", Vec::new(), list(MAX_ITEMS, name)),
            symbols: fields.or("symbol", Vec::new(), list(MAX_ITEMS, name)),
            paths: Vec::new(),
        })
    }

    /// Reads the request from `patterns` and `paths` lists.
    ///
    /// # Errors
    ///
    /// Every faulty field.
    pub fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            engineer: fields.required("engineer", name),
            repo: fields.optional("repo", name),
            session_ids: fields.optional("session_ids", list(MAX_ITEMS, name)).unwrap_or_default(),
            patterns: fields.optional("patterns", list(MAX_CHECKED, text)).unwrap_or_default(),
            symbols: Vec::new(),
            paths: fields.optional("paths", list(MAX_CHECKED, object(CheckPath::read))).unwrap_or_default(),
        })
    }
}

impl CheckPath {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            path: fields.required("path", text),
            symbols: fields.optional("symbols", list(MAX_ITEMS, name)),
        }
    }
}

impl ListQuery {
    /// Reads the parameters.
    ///
    /// # Errors
    ///
    /// Every faulty parameter.
    pub fn from_query(query: &Query) -> Result<Self, Invalid> {
        let given = |value: &String| !value.is_empty();
        query.read(|fields| Self {
            active_only: fields.or("active_only", true, boolean),
            engineer: fields.optional("engineer", name).filter(given),
            module: fields.optional("module", text).filter(given),
            repo: fields.optional("repo", name),
            session_id: fields.optional("session_id", name).filter(given),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(value: &Value) -> Body {
        Body::parse(value.to_string().as_bytes(), Some("application/json")).unwrap()
    }

    /// Each error as `kind loc`.
    fn errors<T: std::fmt::Debug>(read: Result<T, Invalid>) -> Vec<String> {
        let told = json!(read.unwrap_err());
        let detail = told["detail"].as_array().unwrap();
        detail.iter().map(|error| format!("{} {}", error["type"].as_str().unwrap(), error["loc"])).collect()
    }

    #[test]
    fn a_claim_with_everything_and_one_with_nothing() {
        let full = ClaimRequest::from_body(&body(&json!({
            "engineer": "ada", "branch": "b", "description": "d", "ttl_hours": "3", "repo": "o/r",
            "session_id": "s", "wait_seconds": 600.0, "urgency": "high", "mood": "good",
            "claims": [{"type": "module", "pattern": "src/[id].ts", "symbols": ["A::b"], "narrowable": "yes",
                        "literal": true, "colour": "blue"}],
        })));
        let some = |text: &str| Some(text.to_owned());
        let item = ClaimItem {
            claim_type: "module".to_owned(),
            pattern: "src/[id].ts".to_owned(),
            symbols: Some(vec!["A::b".to_owned()]),
            narrowable: Some(true),
            literal: true,
        };
        let expected = ClaimRequest {
            engineer: "ada".to_owned(),
            branch: some("b"),
            description: some("d"),
            claims: vec![item],
            ttl_hours: Some(3),
            ttl_secs: None,
            repo: some("o/r"),
            session_id: some("s"),
            wait_secs: 600,
            urgency: some("high"),
            queue_id: None,
        };
        assert_eq!(full, Ok(expected));

        let bare = ClaimRequest::from_body(&body(&json!({
            "engineer": "", "claims": [{"type": "", "pattern": "", "symbols": null, "narrowable": null}],
            "ttl_hours": 0, "repo": null, "wait_seconds": null, "urgency": null,
        })))
        .unwrap();
        assert_eq!((bare.ttl_hours, bare.repo, bare.wait_secs, bare.urgency), (None, None, 0, None));
        assert_eq!(
            (&bare.claims[0].symbols, bare.claims[0].narrowable, bare.claims[0].literal),
            (&None, None, false)
        );
    }

    #[test]
    fn a_claim_is_told_every_error_in_order() {
        let read = ClaimRequest::from_body(&body(&json!({
            "claims": [{"pattern": 3, "symbols": [1]}, 4], "ttl_hours": "x", "urgency": 3,
            "wait_seconds": 9999, "repo": 1, "session_id": 2, "branch": 3, "description": 4,
        })));
        assert_eq!(
            errors(read),
            [
                r#"missing ["body","engineer"]"#,
                r#"string_type ["body","branch"]"#,
                r#"string_type ["body","description"]"#,
                r#"missing ["body","claims",0,"type"]"#,
                r#"string_type ["body","claims",0,"pattern"]"#,
                r#"string_type ["body","claims",0,"symbols",0]"#,
                r#"model_attributes_type ["body","claims",1]"#,
                r#"int_parsing ["body","ttl_hours"]"#,
                r#"string_type ["body","repo"]"#,
                r#"string_type ["body","session_id"]"#,
                r#"less_than_equal ["body","wait_seconds"]"#,
                r#"string_type ["body","urgency"]"#,
            ]
        );
    }

    #[test]
    fn what_a_claim_may_not_be() {
        let item = json!({"type": "file", "pattern": "a.ts"});
        let refused = [
            (json!({}), r#"missing ["body","claims"]"#),
            (json!({"claims": "a.ts"}), r#"list_type ["body","claims"]"#),
            (json!({"claims": vec![item; MAX_ITEMS + 1]}), r#"too_long ["body","claims"]"#),
            (json!({"claims": [], "ttl_hours": -1}), r#"greater_than_equal ["body","ttl_hours"]"#),
            (json!({"claims": [], "ttl_hours": 87_601}), r#"less_than_equal ["body","ttl_hours"]"#),
            (json!({"claims": [], "ttl_hours": 1.5}), r#"int_from_float ["body","ttl_hours"]"#),
            (json!({"claims": [], "wait_seconds": -1}), r#"greater_than_equal ["body","wait_seconds"]"#),
            (
                json!({"claims": [{"type": "file", "pattern": "a", "literal": null}]}),
                r#"bool_type ["body","claims",0,"literal"]"#,
            ),
        ];
        for (mut value, error) in refused {
            value["engineer"] = json!("ada");
            assert_eq!(errors(ClaimRequest::from_body(&body(&value))), [error]);
        }
    }

    #[test]
    fn missing_fields_show_the_object_that_lacks_them() {
        let sent = json!({"engineer": "ada", "claims": [{"pattern": "a"}]});
        let told = json!(ClaimRequest::from_body(&body(&sent)).unwrap_err());
        assert_eq!(
            told,
            json!({"detail": [{"type": "missing", "loc": ["body", "claims", 0, "type"],
                               "msg": "Field required", "input": {"pattern": "a"}}]})
        );
    }

    #[test]
    fn releases_and_extensions() {
        let release = |value| ReleaseRequest::from_body(&body(&value));
        let expected = ReleaseRequest { claim_ids: vec!["x".to_owned()], engineer: None };
        assert_eq!(release(json!({"claim_ids": ["x"], "engineer": null})), Ok(expected));
        assert_eq!(errors(release(json!({}))), [r#"missing ["body","claim_ids"]"#]);
        let both = [r#"list_type ["body","claim_ids"]"#, r#"string_type ["body","engineer"]"#];
        assert_eq!(errors(release(json!({"claim_ids": null, "engineer": 3}))), both);

        let extend = |value| ExtendRequest::from_body(&body(&value));
        assert_eq!(
            extend(json!({"engineer": "ada"})),
            Ok(ExtendRequest { engineer: "ada".to_owned(), ttl_hours: 2, ttl_secs: None })
        );
        assert_eq!(errors(extend(json!({}))), [r#"missing ["body","engineer"]"#]);
        for (ttl_hours, kind) in [
            (json!(null), "int_type"),
            (json!(0), "greater_than_equal"),
            (json!(1_000_000_000_000_i64), "less_than_equal"),
        ] {
            let read = extend(json!({"engineer": "ada", "ttl_hours": ttl_hours}));
            assert_eq!(errors(read), [format!(r#"{kind} ["body","ttl_hours"]"#)]);
        }
    }

    #[test]
    fn checks() {
        let asked =
            CheckRequest::from_query(&Query::parse("pattern=a&pattern=b+c&engineer=ada&repo=&symbol=A"))
                .unwrap();
        assert_eq!((asked.engineer, asked.repo), ("ada".to_owned(), Some(String::new())));
        assert_eq!(
            (asked.patterns, asked.symbols),
            (vec!["a".to_owned(), "b c".to_owned()], vec!["A".to_owned()])
        );
        assert_eq!((asked.session_ids, asked.paths), (vec![], vec![]));
        assert_eq!(
            errors(CheckRequest::from_query(&Query::parse("pattern=a"))),
            [r#"missing ["query","engineer"]"#]
        );

        let sent = json!({"engineer": "ada", "session_ids": ["s"], "patterns": null,
                          "paths": [{"path": "app/[id].ts"}, {"path": "a.ts", "symbols": ["A"]}]});
        let asked = CheckRequest::from_body(&body(&sent)).unwrap();
        assert_eq!((asked.session_ids, asked.patterns), (vec!["s".to_owned()], vec![]));
        assert_eq!(asked.paths[0], CheckPath { path: "app/[id].ts".to_owned(), symbols: None });
        assert_eq!(asked.paths[1].symbols, Some(vec!["A".to_owned()]));
        let sent = json!({"engineer": "ada", "paths": ["a.ts", {}], "patterns": vec!["a"; MAX_CHECKED + 1]});
        assert_eq!(
            errors(CheckRequest::from_body(&body(&sent))),
            [
                r#"too_long ["body","patterns"]"#,
                r#"model_attributes_type ["body","paths",0]"#,
                r#"missing ["body","paths",1,"path"]"#,
            ]
        );
    }

    #[test]
    fn listings() {
        let list = |raw: &str| ListQuery::from_query(&Query::parse(raw));
        let all = ListQuery { active_only: true, engineer: None, module: None, repo: None, session_id: None };
        assert_eq!(list(""), Ok(all.clone()));
        assert_eq!(list("engineer=&module&session_id=&unknown=1"), Ok(all.clone()));
        assert_eq!(list("repo=a&repo="), Ok(ListQuery { repo: Some(String::new()), ..all.clone() }));
        assert_eq!(list("active_only=maybe&active_only=No"), Ok(ListQuery { active_only: false, ..all }));
        for raw in ["active_only", "active_only=2", "active_only=1.0", "active_only=yes&active_only=%20true"]
        {
            assert_eq!(errors(list(raw)), [r#"bool_parsing ["query","active_only"]"#], "{raw}");
        }
    }
}
