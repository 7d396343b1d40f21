//! Which service addresses are acceptable.

use std::net::IpAddr;

use hyper::Uri;

use super::{Setting, WorkspaceError};

/// Checks a configured service address and drops the slashes at its end.
///
/// # Errors
///
/// [`WorkspaceError::ServiceUrl`] unless it is `http` or `https` with a host, and nothing but a port and a path after
/// it. A password in it is refused, not used: addresses are shown in messages.
pub(super) fn check(setting: Setting<String>) -> Result<Setting<String>, WorkspaceError> {
    match problem_with(&setting.value) {
        Some(problem) => Err(WorkspaceError::ServiceUrl { origin: setting.source, problem }),
        None => Ok(Setting { value: setting.value.trim_end_matches('/').to_owned(), source: setting.source }),
    }
}

/// An address that somebody typed, without the slashes at its end.
///
/// # Errors
///
/// What is wrong with it, as for a configured one.
pub fn usable_service_url(url: &str) -> Result<&str, &'static str> {
    problem_with(url).map_or(Ok(url.trim_end_matches('/')), Err)
}

/// Whether a checked address leads to this machine.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Some(host) = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)) else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

fn problem_with(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<Uri>() else {
        return Some("it is not a URL");
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("it does not start with http:// or https://");
    }
    let (authority, host) = (uri.authority()?.as_str(), uri.host().unwrap_or_default());
    if authority.contains('@') {
        return Some("it holds a user name or password; put the token into COORD_AUTH_TOKEN");
    }
    if host.is_empty() {
        return Some("it names no host");
    }
    let port = authority.strip_prefix(host).unwrap_or_default();
    if !port.is_empty() && uri.port_u16().is_none() {
        return Some("its port is not a number up to 65535");
    }
    if url.contains(['?', '#']) {
        return Some("it has a query or fragment");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Source;

    fn checked(url: &str) -> Result<String, WorkspaceError> {
        let source = Source::Environment("COORD_API_URL");
        check(Setting { value: url.to_owned(), source }).map(|setting| setting.value)
    }

    #[test]
    fn acceptable() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://coord.example.com/", "https://coord.example.com"),
            ("https://example.com/coord//", "https://example.com/coord"),
            ("HTTP://localhost:1", "HTTP://localhost:1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(checked(url).unwrap_or_else(|error| panic!("{url}: {error}")), expected);
        }
    }

    #[test]
    fn refused_without_showing_a_password() {
        for url in [
            "coord.example.com",
            "localhost:8080",
            "/run/coord.sock",
            "ftp://example.com",
            "http://",
            "http:///path",
            "http://:8080",
            "http://host:99999",
            "http://host:port",
            "http://host:",
            "http://ada:secret@host",
            "http://host/?token=secret",
            "http://host/#secret",
            "http://ho st",
            "http://host\n/",
        ] {
            let error = checked(url).err().unwrap_or_else(|| panic!("{url} was accepted"));
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("COORD_API_URL") && !shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn loopback() {
        for url in ["http://127.0.0.1:8080", "http://127.9.9.9", "http://LocalHost:1/x", "http://[::1]:80"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://example.com", "http://127.0.0.1.example.com", "http://10.0.0.1", "http://localhost.x"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
