//! `/openapi.json`: what the routes take and give, for programs. Answered without a token.
//!
//! The description is kept by hand in `openapi.json` beside this file. That it has every route, and that replies are as it
//! says, is what `tests/http/openapi.rs` and `tests/openapi/check.py` see to.

use std::sync::LazyLock;

use super::reply::Reply;

/// The description, with the version filled in.
static DESCRIPTION: LazyLock<String> =
    LazyLock::new(|| include_str!("openapi.json").replacen("@VERSION@", env!("CARGO_PKG_VERSION"), 1));

pub(super) fn description() -> Reply {
    Reply::json_text(&DESCRIPTION)
}
