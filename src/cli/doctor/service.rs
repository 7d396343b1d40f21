//! The checks of what keeps the claims, and of what reads the source.

use super::super::CliError;
use super::super::context::Context;
use super::super::output;
use super::super::setup::Ground;
use super::super::update_notice::is_newer;
use super::Report;
use crate::client::{Client, ClientError, Remote};
use crate::symbols;
use crate::workspace::{Env, is_loopback};

/// A file in each language, with one declaration.
const SOURCES: &[(&str, &str)] = &[
    ("a.ts", "export function f() {}\n"),
    ("a.tsx", "export const f = () => <b/>;\n"),
    ("a.js", "function f() {}\n"),
    ("a.py", "def f(): pass\n"),
    ("a.go", "package a\n\nfunc f() {}\n"),
];

/// Checks the service; where none is used, what there is instead.
pub(super) fn check_service(ground: &Ground, env: &Env, report: &mut Report) -> Option<Context> {
    match Context::open_at(ground.root.clone(), env) {
        Err(error) => report.error("reachable", error, "correct what is named"),
        Ok(context) if matches!(context.client, Client::Embedded(_)) => {
            report.ok("service", "none is used: embedded");
            return Some(context);
        }
        Ok(mut context) => service(&mut context, report),
    }
    None
}

fn service(context: &mut Context, report: &mut Report) {
    let Client::Remote(remote) = &context.client else { return };
    let url = remote.url().to_owned();
    let ready = match Remote::ready(remote) {
        Ok(ready) => ready,
        Err(error) => return report.error("reachable", CliError::from(error), "start the service"),
    };
    report.ok("reachable", url.clone());
    let query = context.query();
    match context.client.claims(&query) {
        Ok(_) if ready.auth_mode != "insecure-no-auth" => {
            report.ok("authorised", "the service takes the token")
        }
        Ok(_) if is_loopback(&url) => report.ok("authorised", "the service asks for no token"),
        Ok(_) => report.warn(
            "authorised",
            "the service lets everybody in, without a token",
            "start it with COORD_AUTH_TOKEN and without COORD_ALLOW_INSECURE_NO_AUTH",
        ),
        Err(error @ ClientError::Unauthorised { .. }) => {
            report.error("authorised", CliError::from(error), "set COORD_AUTH_TOKEN");
        }
        Err(error) => report.error("authorised", CliError::from(error), "see the service's log"),
    }
    let ours = env!("CARGO_PKG_VERSION");
    if ready.version == ours {
        report.ok("version", format!("{ours} on both sides"));
    } else {
        let who =
            if is_newer(&ready.version, ours) { "install its version here" } else { "update the service" };
        report.warn("version", format!("the service runs {}, this is {ours}", ready.version), who);
    }
}

/// Checks the clone's own database.
pub(super) fn check_database(mut context: Context, report: &mut Report) {
    let query = context.query();
    match context.client.claims(&query) {
        Ok(list) => {
            let path = context.workspace.database_path();
            let claims = output::count(list.count, "active claim");
            report.ok("database", format!("{}, {claims}", path.display()));
        }
        Err(error) => report.error("database", CliError::from(error), "see what is named"),
    }
}

/// Checks that declarations are found in every language.
pub(super) fn check_symbols(report: &mut Report) {
    let broken: Vec<_> = SOURCES
        .iter()
        .filter(|(name, text)| !symbols::extract(name, text.as_bytes()).is_ok_and(|found| found.len() == 1))
        .map(|(name, _)| *name)
        .collect();
    if broken.is_empty() {
        report.ok("symbols", "TypeScript, JavaScript, Python, Go");
    } else {
        report.fail(
            "symbols",
            format!("nothing is found in {}", broken.join(", ")),
            "this is a bug; please report it",
        );
    }
}
