//! The page as it is sent first: real data in plain HTML, and the same as JSON for the script that keeps it up to date.
//!
//! Everything that comes from outside is escaped, whoever it is from.

use serde::Serialize;

use super::data::Overview;
use crate::wire::{ClaimRow, QueueRow, RequestRow};

const PAGE: &str = include_str!("page.html");
const LOGIN: &str = include_str!("login.html");

/// What the script starts from.
#[derive(Serialize)]
struct Start<'a> {
    overview: &'a Overview,
    claims: &'a [ClaimRow],
}

/// The whole page; `csrf` is the word that actions need, empty where they need none.
pub(super) fn page(overview: &Overview, claims: &[ClaimRow], csrf: &str) -> String {
    let start = serde_json::to_string(&Start { overview, claims }).expect("it has only text keys");
    let idle = overview.idle_timeout_secs.map_or_else(|| "off".into(), |secs| format!("{} min", secs / 60));
    let resolutions = overview.auto_coexist_24h + overview.auto_narrow_24h;
    fill(
        PAGE,
        &[
            ("version", overview.version.to_owned()),
            ("auth", escape(overview.auth_mode)),
            ("revision", overview.revision.to_string()),
            ("repos", overview.repos.len().to_string()),
            ("active", overview.active.to_string()),
            ("waiting", overview.queue.len().to_string()),
            (
                "asks",
                overview.requests.iter().filter(|request| request.decision == "pending").count().to_string(),
            ),
            ("conflicts", overview.conflicts_24h.to_string()),
            ("idle", escape(&idle)),
            ("resolutions", resolutions.to_string()),
            ("csrf", escape(csrf)),
            ("logout", if csrf.is_empty() { "hidden" } else { "" }.to_owned()),
            ("claims", claims.iter().map(claim).collect()),
            ("queue", overview.queue.iter().map(place).collect()),
            ("requests", overview.requests.iter().map(request).collect()),
            // In a script element nothing but this could end it.
            ("start", start.replace('<', "\\u003c")),
        ],
    )
}

/// The form that asks for the token; `why` is what was wrong with the last try.
pub(super) fn login(why: &str) -> String {
    fill(LOGIN, &[("why", escape(why))])
}

/// Puts values where a template names them. What a value says is never taken for a name.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            text += value;
        }
        text += rest;
    }
    text
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
    format!("<tr>{cells}</tr>")
}

fn claim(claim: &ClaimRow) -> String {
    let scope = match &claim.symbols {
        Some(symbols) => format!("{} {}", claim.pattern, symbols.join(", ")),
        None => claim.pattern.clone(),
    };
    let repo = claim.repo.as_deref().unwrap_or_default();
    row(&[&claim.engineer, &scope, repo, claim.branch.as_deref().unwrap_or_default(), &claim.expires_at])
}

fn place(place: &QueueRow) -> String {
    let behind = format!("{} {}", place.blocking_engineer, place.blocking_pattern);
    row(&[&place.requester_engineer, &place.requester_pattern, &behind, &place.position.to_string()])
}

fn request(request: &RequestRow) -> String {
    let reason = request.reason.as_deref().unwrap_or_default();
    row(&[
        &request.requester_engineer,
        &request.holder_engineer,
        &request.holder_pattern,
        reason,
        &request.decision,
    ])
}

/// Text as it can stand in an element or in an attribute's quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        assert_eq!(escape(r#"<b a="1" c='2'>&"#), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(fill("a{{x}}b{{y}}c{{z}}", &[("x", "{{y}}".into()), ("y", "1".into())]), "a{{y}}b1c");
        assert!(login("<script>").contains("&lt;script&gt;"));
    }
}
