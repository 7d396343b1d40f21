//! Which paths there are, what they take, and who handles them.

use std::borrow::Cow;

use hyper::body::Incoming;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;

use super::app::App;
use super::reply::Reply;
use super::{
    claims, conflicts, dashboard, events, hotspots, metrics, openapi, outbox, ownership, probes,
    release_requests, repos, sessions,
};

/// A path that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Health,
    Ready,
    Meta,
    Description,
    Claims,
    ReleaseClaims,
    Claim(Cow<'a, str>),
    ExtendClaim(Cow<'a, str>),
    Conflicts,
    ReleaseSession(Cow<'a, str>),
    Inbox(Cow<'a, str>),
    Requests,
    Request(Cow<'a, str>),
    Respond(Cow<'a, str>),
    RequestEvents(Cow<'a, str>),
    Repos,
    Metrics,
    AutoResolutions,
    Hotspots,
    PromoteHotspot,
    Ownership,
    Outbox,
    OutboxStats,
    RetryOutbox,
    PurgeOutbox,
    Events,
    History,
    Dashboard,
    DashboardData,
    DashboardAsset(Cow<'a, str>),
    DashboardLogin,
    DashboardLogout,
    DashboardCode,
}

/// Every route there is; a test counts them.
const EVERY: [Route<'static>; 33] = [
    Route::Health,
    Route::Ready,
    Route::Meta,
    Route::Description,
    Route::Claims,
    Route::ReleaseClaims,
    Route::Claim(Cow::Borrowed("")),
    Route::ExtendClaim(Cow::Borrowed("")),
    Route::Conflicts,
    Route::ReleaseSession(Cow::Borrowed("")),
    Route::Inbox(Cow::Borrowed("")),
    Route::Requests,
    Route::Request(Cow::Borrowed("")),
    Route::Respond(Cow::Borrowed("")),
    Route::RequestEvents(Cow::Borrowed("")),
    Route::Repos,
    Route::Metrics,
    Route::AutoResolutions,
    Route::Hotspots,
    Route::PromoteHotspot,
    Route::Ownership,
    Route::Outbox,
    Route::OutboxStats,
    Route::RetryOutbox,
    Route::PurgeOutbox,
    Route::Events,
    Route::History,
    Route::Dashboard,
    Route::DashboardData,
    Route::DashboardAsset(Cow::Borrowed("")),
    Route::DashboardLogin,
    Route::DashboardLogout,
    Route::DashboardCode,
];

/// Every path that is served to programs, its variable parts named, with its methods as an `Allow` header says them.
pub fn served() -> impl Iterator<Item = (&'static str, &'static str)> {
    EVERY.iter().filter(|route| !route.is_page()).map(|route| (route.template(), route.allow()))
}

impl Route<'_> {
    /// The route of a path, if there is one.
    pub(super) fn of(path: &str) -> Option<Route<'_>> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut part = || parts.next();
        let named = |text| percent_decode_str(text).decode_utf8_lossy();
        let route = match (part()?, part(), part(), part()) {
            ("health", None, ..) => Route::Health,
            ("readyz", None, ..) => Route::Ready,
            ("meta", None, ..) => Route::Meta,
            ("openapi.json", None, ..) => Route::Description,
            ("claims", None, ..) => Route::Claims,
            ("claims", Some("release"), None, _) => Route::ReleaseClaims,
            ("claims", Some(id), None, _) if !id.is_empty() => Route::Claim(named(id)),
            ("claims", Some(id), Some("extend"), None) if !id.is_empty() => Route::ExtendClaim(named(id)),
            ("conflicts", None, ..) => Route::Conflicts,
            ("sessions", Some(id), Some("release"), None) if !id.is_empty() => {
                Route::ReleaseSession(named(id))
            }
            ("sessions", Some(id), Some("pending_requests"), None) if !id.is_empty() => {
                Route::Inbox(named(id))
            }
            ("requests", None, ..) => Route::Requests,
            ("requests", Some(id), None, _) if !id.is_empty() => Route::Request(named(id)),
            ("requests", Some(id), Some("respond"), None) if !id.is_empty() => Route::Respond(named(id)),
            ("requests", Some(id), Some("events"), None) if !id.is_empty() => Route::RequestEvents(named(id)),
            ("repos", None, ..) => Route::Repos,
            ("metrics", None, ..) => Route::Metrics,
            ("metrics", Some("auto-resolutions"), None, _) => Route::AutoResolutions,
            ("metrics", Some("hotspots"), None, _) => Route::Hotspots,
            ("metrics", Some("hotspots"), Some("promote"), None) => Route::PromoteHotspot,
            ("config", Some("ownership"), None, _) => Route::Ownership,
            ("outbox", None, ..) => Route::Outbox,
            ("outbox", Some("stats"), None, _) => Route::OutboxStats,
            ("outbox", Some("retry"), None, _) => Route::RetryOutbox,
            ("outbox", Some("purge"), None, _) => Route::PurgeOutbox,
            ("events", None, ..) => Route::Events,
            ("history", None, ..) => Route::History,
            ("dashboard", None, ..) => Route::Dashboard,
            ("dashboard", Some("data"), None, _) => Route::DashboardData,
            ("dashboard", Some("login"), None, _) => Route::DashboardLogin,
            ("dashboard", Some("logout"), None, _) => Route::DashboardLogout,
            ("dashboard", Some("code"), None, _) => Route::DashboardCode,
            ("dashboard", Some("assets"), Some(name), None) if !name.is_empty() => {
                Route::DashboardAsset(named(name))
            }
            _ => return None,
        };
        Some(route)
    }

    /// The methods it takes, as an `Allow` header says them.
    fn allow(&self) -> &'static str {
        match self {
            Route::Health | Route::Ready | Route::Meta | Route::Description | Route::Repos => "GET",
            Route::Metrics | Route::AutoResolutions | Route::Inbox(_) | Route::RequestEvents(_) => "GET",
            Route::Hotspots => "GET",
            Route::Claims | Route::Conflicts | Route::Requests | Route::Ownership => "GET, POST",
            Route::Outbox | Route::OutboxStats => "GET",
            Route::RetryOutbox | Route::PurgeOutbox => "POST",
            Route::Request(_) => "GET, DELETE",
            Route::Respond(_) | Route::ReleaseClaims | Route::ExtendClaim(_) | Route::ReleaseSession(_) => {
                "POST"
            }
            Route::PromoteHotspot => "POST",
            Route::Claim(_) => "DELETE",
            Route::Events | Route::History | Route::Dashboard => "GET",
            Route::DashboardData | Route::DashboardAsset(_) => "GET",
            Route::DashboardLogin => "GET, POST",
            Route::DashboardLogout | Route::DashboardCode => "POST",
        }
    }

    /// The path with its variable parts named, for logs and metrics.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Route::Health => "/health",
            Route::Ready => "/readyz",
            Route::Meta => "/meta",
            Route::Description => "/openapi.json",
            Route::Claims => "/claims",
            Route::ReleaseClaims => "/claims/release",
            Route::Claim(_) => "/claims/{claim_id}",
            Route::ExtendClaim(_) => "/claims/{claim_id}/extend",
            Route::Conflicts => "/conflicts",
            Route::ReleaseSession(_) => "/sessions/{session_id}/release",
            Route::Inbox(_) => "/sessions/{session_id}/pending_requests",
            Route::Requests => "/requests",
            Route::Request(_) => "/requests/{request_id}",
            Route::Respond(_) => "/requests/{request_id}/respond",
            Route::RequestEvents(_) => "/requests/{request_id}/events",
            Route::Repos => "/repos",
            Route::Metrics => "/metrics",
            Route::AutoResolutions => "/metrics/auto-resolutions",
            Route::Hotspots => "/metrics/hotspots",
            Route::PromoteHotspot => "/metrics/hotspots/promote",
            Route::Ownership => "/config/ownership",
            Route::Outbox => "/outbox",
            Route::OutboxStats => "/outbox/stats",
            Route::RetryOutbox => "/outbox/retry",
            Route::PurgeOutbox => "/outbox/purge",
            Route::Events => "/events",
            Route::History => "/history",
            Route::Dashboard => "/dashboard",
            Route::DashboardData => "/dashboard/data",
            Route::DashboardAsset(_) => "/dashboard/assets/{name}",
            Route::DashboardLogin => "/dashboard/login",
            Route::DashboardLogout => "/dashboard/logout",
            Route::DashboardCode => "/dashboard/code",
        }
    }

    /// Whether it belongs to the dashboard, which is for people and changes as that needs it to.
    fn is_page(&self) -> bool {
        self.template().starts_with("/dashboard")
    }

    /// Whether it answers without a token.
    fn is_open(&self) -> bool {
        match self {
            Route::Health | Route::Ready | Route::Meta | Route::Description | Route::Metrics => true,
            // Who comes with a browser is asked for the token there.
            Route::Dashboard | Route::DashboardAsset(_) | Route::DashboardLogin | Route::DashboardLogout => {
                true
            }
            _ => false,
        }
    }
}

/// What a path is called in logs and metrics, which hold no more names than there are routes.
pub(super) fn template(path: &str) -> &'static str {
    Route::of(path).map_or("(unknown)", |route| route.template())
}

/// What a method is called there. Strangers may send any word for one, even a secret.
pub(super) fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("OTHER")
}

/// Answers a request.
pub(super) async fn answer(app: &App, request: Request<Incoming>) -> Reply {
    handle(app, request).await.unwrap_or_else(|refused| refused)
}

async fn handle(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let target = request.uri().authority().map(hyper::http::uri::Authority::as_str);
    app.origins.check(request.version(), target, request.headers())?;
    let uri = request.uri().clone();
    let Some(route) = Route::of(uri.path()) else { return Err(unknown(&request)) };
    let method = request.method().clone();
    if !route.allow().split(", ").any(|allowed| method.as_str() == allowed) {
        return Err(Reply::not_allowed(route.allow()));
    }
    if !route.is_open() {
        dashboard::admit(app, &method, request.headers()).inspect_err(|_| app.meters.auth_failure())?;
    }
    match route {
        Route::Health => Ok(probes::health()),
        Route::Ready => probes::ready(app).await,
        Route::Meta => Ok(probes::meta(app)),
        Route::Description => Ok(openapi::description()),
        Route::Claims if method == Method::GET => claims::list(app, &request).await,
        Route::Claims => claims::claim(app, request).await,
        Route::ReleaseClaims => claims::release(app, request).await,
        Route::Claim(id) => claims::delete(app, &id, &request).await,
        Route::ExtendClaim(id) => claims::extend(app, &id, request).await,
        Route::Conflicts if method == Method::GET => conflicts::check(app, &request).await,
        Route::Conflicts => conflicts::check_batch(app, request).await,
        Route::ReleaseSession(id) => sessions::release(app, &id).await,
        Route::Inbox(id) => sessions::inbox(app, &id, &request).await,
        Route::Requests if method == Method::GET => release_requests::list(app, &request).await,
        Route::Requests => release_requests::ask(app, request).await,
        Route::Request(id) if method == Method::GET => release_requests::get(app, &id).await,
        Route::Request(id) => release_requests::cancel(app, &id, &request).await,
        Route::Respond(id) => release_requests::respond(app, &id, request).await,
        Route::RequestEvents(id) => release_requests::events(app, &id).await,
        Route::Repos => repos::list(app).await,
        Route::Metrics => Ok(metrics::scrape(app).await),
        Route::AutoResolutions => metrics::auto_resolutions(app, &request).await,
        Route::Hotspots => hotspots::list(app, &request).await,
        Route::PromoteHotspot => hotspots::promote(app, request).await,
        Route::Ownership if method == Method::GET => ownership::get(app).await,
        Route::Ownership => ownership::set(app, request).await,
        Route::Outbox => outbox::list(app, &request).await,
        Route::OutboxStats => outbox::stats(app, &request).await,
        Route::RetryOutbox => outbox::retry(app, request).await,
        Route::PurgeOutbox => outbox::purge(app, request).await,
        Route::Events => events::stream(app, &request).await,
        Route::History => events::history(app, &request).await,
        Route::Dashboard => dashboard::show(app, &request).await,
        Route::DashboardData => dashboard::data(app).await,
        Route::DashboardAsset(name) => dashboard::asset(&name),
        Route::DashboardLogin if method == Method::GET => dashboard::enter(app, &request),
        Route::DashboardLogin => dashboard::login(app, request).await,
        Route::DashboardLogout => dashboard::logout(app, request).await,
        Route::DashboardCode => dashboard::code(app, &request),
    }
}

/// A path that is not served, or only without its last slash.
fn unknown(request: &Request<Incoming>) -> Reply {
    let uri = request.uri();
    let path = uri.path();
    let bare = path.trim_end_matches('/');
    if bare == path || Route::of(bare).is_none() {
        return Reply::detail(404, "Not Found");
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Reply::redirect(&format!("{bare}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, template) in [
            ("/health", Some("/health")),
            ("/claims", Some("/claims")),
            ("/claims/release", Some("/claims/release")),
            ("/claims/x", Some("/claims/{claim_id}")),
            ("/claims/x/extend", Some("/claims/{claim_id}/extend")),
            ("/claims/x/extend/y", None),
            ("/claims/x/y", None),
            ("/claims/", None),
            ("/sessions//release", None),
            ("/sessions/s/pending_requests", Some("/sessions/{session_id}/pending_requests")),
            ("/sessions/a%2Fb/release", Some("/sessions/{session_id}/release")),
            ("/outbox", Some("/outbox")),
            ("/outbox/stats", Some("/outbox/stats")),
            ("/outbox/stats/x", None),
            ("/outbox/x", None),
            ("//claims", None),
            ("/", None),
            ("", None),
            ("/Claims", None),
            ("/metrics", Some("/metrics")),
            ("/metrics/x", None),
            ("/metrics/hotspots", Some("/metrics/hotspots")),
            ("/metrics/hotspots/promote", Some("/metrics/hotspots/promote")),
            ("/metrics/hotspots/promote/x", None),
            ("/config/ownership", Some("/config/ownership")),
            ("/config", None),
            ("/events", Some("/events")),
            ("/events/x", None),
            ("/history", Some("/history")),
            ("/dashboard", Some("/dashboard")),
            ("/dashboard/x", None),
            ("/dashboard/assets/x.js", Some("/dashboard/assets/{name}")),
            ("/dashboard/assets/x/y", None),
        ] {
            assert_eq!(Route::of(path).map(|route| route.template()), template, "{path}");
        }
        assert_eq!(template("/claims/x/y"), "(unknown)");
        assert_eq!(Route::of("/claims/a%2Fb%20c"), Some(Route::Claim("a/b c".into())));
    }

    #[test]
    fn every_route_is_listed_once() {
        let source = include_str!("routes.rs");
        let named = source.split("pub(super) enum Route").nth(1).unwrap().split("\n}\n").next().unwrap();
        let variants = named.lines().filter(|line| line.starts_with("    ") && line.ends_with(','));
        assert_eq!(variants.count(), EVERY.len());
        let listed: std::collections::BTreeSet<_> = served().map(|(path, _)| path).collect();
        assert_eq!(listed.len(), EVERY.iter().filter(|route| !route.is_page()).count());
        for (path, _) in served() {
            assert_eq!(template(path), path);
        }
    }

    #[test]
    fn methods() {
        assert_eq!(method_name(&Method::DELETE), "DELETE");
        for odd in ["get", "PROPFIND", "secret-token"] {
            assert_eq!(method_name(&odd.parse().unwrap()), "OTHER", "{odd}");
        }
    }
}
