//! `/dashboard`: one page for people, with nothing on it from elsewhere.
//!
//! A browser shows the token once, and is known by a cookie from then on. The cookie is as good as the token for reading;
//! whatever changes something needs the word that the page was sent with, and an `Origin`, which is our own wherever it is
//! named.

mod data;
mod modules;
mod page;
mod session;

use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Request};
use serde_json::json;

pub(super) use session::{Login, Visitors};

use super::app::App;
use super::auth;
use super::reply::Reply;

/// Where the word for actions is sent.
const CSRF: &str = "x-csrf-token";

/// How many claims are on the page before its script fetches them all.
const FIRST_CLAIMS: usize = 200;

/// What the page may load and do: what is ours, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// What the page is made of, by name.
const ASSETS: [(&str, &str, &str); 8] = [
    ("favicon.svg", "image/svg+xml", include_str!("favicon.svg")),
    ("dashboard.css", "text/css; charset=utf-8", include_str!("dashboard.css")),
    ("dashboard.js", "text/javascript; charset=utf-8", include_str!("dashboard.js")),
    ("dom.js", "text/javascript; charset=utf-8", include_str!("dom.js")),
    ("filter.js", "text/javascript; charset=utf-8", include_str!("filter.js")),
    ("panels.js", "text/javascript; charset=utf-8", include_str!("panels.js")),
    ("claims.js", "text/javascript; charset=utf-8", include_str!("claims.js")),
    ("drawings.js", "text/javascript; charset=utf-8", include_str!("drawings.js")),
];

/// Lets the bearer of the token pass, and whoever has logged in with a browser.
pub(super) fn admit(app: &App, method: &Method, headers: &HeaderMap) -> Result<(), Reply> {
    let token = app.config.token.as_ref();
    if headers.contains_key(AUTHORIZATION) {
        return auth::bearer(token, headers);
    }
    let Some(csrf) = app.visitors.recognise(headers, Instant::now()) else {
        return auth::bearer(token, headers);
    };
    if method == Method::GET {
        return Ok(());
    }
    let given = headers.get(CSRF).and_then(|word| word.to_str().ok()).unwrap_or_default();
    own_page(headers, given, &csrf)
}

/// The session by which somebody is here who stays; `None` if they showed the token, or need none.
pub(super) fn login_of(app: &App, headers: &HeaderMap) -> Result<Option<Login>, Reply> {
    let by_cookie = !headers.contains_key(AUTHORIZATION);
    match app.visitors.login(headers, Instant::now()).filter(|_| by_cookie) {
        Some(login) => Ok(Some(login)),
        // Who was let in by a session may have lost it since.
        None => auth::bearer(app.config.token.as_ref(), headers).map(|()| None),
    }
}

/// Lets an action of our own page pass. Where an `Origin` is named, it has been found to be ours before.
fn own_page(headers: &HeaderMap, given: &str, csrf: &str) -> Result<(), Reply> {
    if headers.contains_key(ORIGIN) && session::same(given, csrf) {
        return Ok(());
    }
    Err(Reply::detail(403, "This does not come from the dashboard's own page; load it again"))
}

pub(super) async fn show(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let headers = request.headers();
    if let Err(refused) = admit(app, &Method::GET, headers) {
        app.meters.auth_failure();
        let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let is_browser = accepts.contains("text/html") && !headers.contains_key(AUTHORIZATION);
        return if is_browser { Ok(form(401, "")) } else { Err(refused) };
    }
    let csrf = app.visitors.recognise(headers, Instant::now()).unwrap_or_default();
    let overview = data::overview(app).await?;
    let claims = data::claims(app, FIRST_CLAIMS).await?;
    Ok(guarded(Reply::page(200, HTML, page::page(&overview, &claims, &csrf))))
}

pub(super) async fn data(app: &App) -> Result<Reply, Reply> {
    Ok(Reply::json(200, &data::overview(app).await?)
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

pub(super) fn asset(name: &str) -> Result<Reply, Reply> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| Reply::detail(404, "Not Found"))?;
    let reply = Reply::page(200, kind, *text).with(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(reply.with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
}

/// Lets somebody in who types the token.
pub(super) async fn login(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let headers = request.headers().clone();
    let body = app.bytes(request).await?;
    let token = form_urlencoded::parse(&body).find(|(name, _)| name == "token").map(|(_, value)| value);
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let mut shown = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&bearer) {
        shown.insert(AUTHORIZATION, value);
    }
    if auth::bearer(app.config.token.as_ref(), &shown).is_err() {
        app.meters.auth_failure();
        return Ok(form(401, "That is not this service's token."));
    }
    Ok(welcome(app, &headers))
}

/// Lets somebody in who has a one-time code.
pub(super) fn enter(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = request.uri().query().unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let Some((_, code)) = code else { return Ok(form(200, "")) };
    if app.visitors.redeem(&code, Instant::now()) {
        return Ok(welcome(app, request.headers()));
    }
    app.meters.auth_failure();
    Ok(form(401, "That code has been used, or is older than a minute."))
}

/// Makes a code that lets one browser in. Only the token does.
pub(super) fn code(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    auth::bearer(app.config.token.as_ref(), request.headers())?;
    let code = app.visitors.code(Instant::now());
    let code = code.ok_or_else(|| Reply::later(429, "Too many codes have not been used yet"))?;
    Ok(Reply::json(200, &json!({"code": code, "expires_in": session::CODE_LASTS.as_secs()})))
}

pub(super) async fn logout(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let headers = request.headers().clone();
    if let Some(csrf) = app.visitors.recognise(&headers, Instant::now()) {
        let body = app.bytes(request).await?;
        let given = form_urlencoded::parse(&body).find(|(name, _)| name == "csrf").map(|(_, value)| value);
        own_page(&headers, &given.unwrap_or_default(), &csrf)?;
        app.visitors.dismiss(&headers);
    }
    let cookie = session::set_cookie(None, is_encrypted(&headers));
    Ok(Reply::see_other("/dashboard").with(SET_COOKIE, cookie))
}

fn welcome(app: &App, headers: &HeaderMap) -> Reply {
    let session = app.visitors.admit(Instant::now());
    let cookie = session::set_cookie(Some(&session), is_encrypted(headers));
    guarded(Reply::see_other("/dashboard").with(SET_COOKIE, cookie))
}

fn form(status: u16, why: &str) -> Reply {
    guarded(Reply::page(status, HTML, page::login(why)))
}

/// Whether whatever stands before us says that the browser's side is encrypted.
fn is_encrypted(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https")
}

/// A page that is kept to itself.
fn guarded(reply: Reply) -> Reply {
    let headers: [(HeaderName, &'static str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
    ];
    headers.into_iter().fold(reply, |reply, (name, value)| reply.with(name, HeaderValue::from_static(value)))
}
