//! Which addresses of receivers are acceptable, and what of them may be seen.

use hyper::Uri;

/// What is wrong with an address, as the end of a sentence that does not show it; `None` if nothing is.
///
/// Unlike the address of a service, this may hold a password and a query: receivers ask for such.
#[must_use]
pub fn problem_with(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<Uri>() else {
        return Some("it is not a URL");
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Some("it does not start with http:// or https://");
    }
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Some("it names no host");
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    if place != host && uri.port_u16().is_none() {
        return Some("its port is not a number up to 65535");
    }
    None
}

/// What may be seen of an address: scheme, host and port. All else may be a secret.
#[must_use]
pub fn shown(url: &str) -> String {
    let uri = url.parse::<Uri>().unwrap_or_default();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", uri.scheme_str().unwrap_or("http"), uri.host().unwrap_or("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptable() {
        for (url, seen) in [
            ("http://127.0.0.1:8080/hook", "http://127.0.0.1:8080"),
            ("https://hooks.example.com/services/T0/B0/sesame", "https://hooks.example.com"),
            ("https://hook.example?token=sesame", "https://hook.example"),
            ("https://user:sesame@hook.example:8443/", "https://hook.example:8443"),
            ("HTTP://localhost", "http://localhost"),
            ("http://[::1]:80/x", "http://[::1]:80"),
        ] {
            assert_eq!(problem_with(url), None, "{url}");
            assert_eq!(shown(url), seen);
        }
    }

    #[test]
    fn refused() {
        for (url, problem) in [
            ("hook.example", "it does not start with http:// or https://"),
            ("/hook", "it does not start with http:// or https://"),
            ("ftp://hook.example", "it does not start with http:// or https://"),
            ("http://", "it is not a URL"),
            ("http:///hook", "it is not a URL"),
            ("http://:80/", "it names no host"),
            ("http://hook.example:99999", "its port is not a number up to 65535"),
            ("http://hook.example:/", "its port is not a number up to 65535"),
            ("http://user:word@hook.example:port/", "its port is not a number up to 65535"),
            ("http://ho ok", "it is not a URL"),
            ("http://hook.example\n", "it is not a URL"),
            ("http://é.example", "it is not a URL"),
        ] {
            assert_eq!(problem_with(url), Some(problem), "{url}");
        }
        assert_eq!(shown("\n"), "http://unknown");
    }
}
