//! Who may ask: the bearer token, and the checks that keep other people's web pages out.

use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::{HeaderMap, Version};
use subtle::ConstantTimeEq;

use super::ServeConfig;
use super::reply::Reply;
use crate::workspace::Token;

/// Lets the bearer of the token pass.
///
/// The scheme is compared with its case, as clients of 0.27 write it. The comparison takes the same time however much
/// of the token is right.
pub(super) fn bearer(token: Option<&Token>, headers: &HeaderMap) -> Result<(), Reply> {
    let Some(token) = token else { return Ok(()) };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let Some(given) = given else { return Err(Reply::detail(401, "Missing bearer token")) };
    if token.expose().as_bytes().ct_eq(given.trim_ascii()).into() {
        Ok(())
    } else {
        Err(Reply::detail(401, "Invalid bearer token"))
    }
}

/// Which hosts and origins may be named in a request.
#[derive(Debug)]
pub(super) struct Origins {
    /// Names beside loopback ones; `None` if any will do.
    hosts: Option<Vec<String>>,
}

impl Origins {
    /// Names are checked where a browser on this machine could be turned against the service: when it listens on
    /// loopback or asks for no token, and when an operator has listed the right ones.
    pub(super) fn of(config: &ServeConfig) -> Origins {
        let open = !config.is_local() && config.token.is_some() && config.allowed_hosts.is_empty();
        let own = [config.host.to_ascii_lowercase()];
        Origins {
            hosts: (!open).then(|| own.into_iter().chain(config.allowed_hosts.iter().cloned()).collect()),
        }
    }

    /// Refuses a request that was meant for another host (DNS rebinding) or comes from another origin's page.
    ///
    /// Only HTTP/1.0 may leave the host out, and no browser speaks that.
    pub(super) fn check(&self, version: Version, headers: &HeaderMap) -> Result<(), Reply> {
        match headers.get_all(HOST).iter().count() {
            1 => {}
            0 if version < Version::HTTP_11 && !headers.contains_key(ORIGIN) => return Ok(()),
            _ => return Err(Reply::detail(400, "A request names one Host")),
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if !self.knows(host.unwrap_or_default()) {
            return Err(Reply::detail(
                403,
                "This Host is not known here; an operator can add it to COORD_ALLOWED_HOSTS",
            ));
        }
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let authority =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        match authority.zip(host) {
            Some((authority, host)) if authority.eq_ignore_ascii_case(host) => Ok(()),
            _ => Err(Reply::detail(403, "Pages of another origin may not use this service")),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let Some(known) = &self.hosts else { return true };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        matches!(name, "127.0.0.1" | "::1")
            || name.eq_ignore_ascii_case("localhost")
            || known.iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(hyper::header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn status(result: Result<(), Reply>) -> u16 {
        result.map_or_else(|reply| reply.status.as_u16(), |()| 200)
    }

    #[test]
    fn tokens() {
        let token = Token::new("secret").unwrap();
        for (given, want) in [
            ("Bearer secret", 200),
            ("Bearer  secret ", 200),
            ("Bearer secret x", 401),
            ("Bearer secre", 401),
            ("Bearer ", 401),
            ("bearer secret", 401),
            ("Basic secret", 401),
            ("secret", 401),
            ("Bearer café", 401),
        ] {
            let got = bearer(Some(&token), &headers(&[(AUTHORIZATION, given)]));
            assert_eq!(status(got), want, "{given}");
            assert_eq!(status(bearer(None, &headers(&[(AUTHORIZATION, given)]))), 200);
        }
        assert_eq!(status(bearer(Some(&token), &HeaderMap::new())), 401);
    }

    #[test]
    fn hosts_and_origins() {
        let local = Origins { hosts: Some(vec!["coord.example".into()]) };
        for (host, want) in [
            ("127.0.0.1:8080", 200),
            ("localhost", 200),
            ("LOCALHOST:1", 200),
            ("[::1]:8080", 200),
            ("coord.example:443", 200),
            ("coord.example.attacker.example", 403),
            ("localhost.attacker.example", 403),
            ("127.0.0.1.attacker.example:80", 403),
            ("", 403),
        ] {
            assert_eq!(status(local.check(Version::HTTP_11, &headers(&[(HOST, host)]))), want, "{host}");
        }
        assert_eq!(status(local.check(Version::HTTP_10, &headers(&[]))), 200);
        assert_eq!(status(local.check(Version::HTTP_10, &headers(&[(ORIGIN, "http://localhost")]))), 400);
        assert_eq!(status(local.check(Version::HTTP_11, &headers(&[]))), 400);
        let open = Origins { hosts: None };
        assert_eq!(status(open.check(Version::HTTP_11, &headers(&[(HOST, "anything")]))), 200);
        for (origin, want) in [
            ("http://localhost:8080", 200),
            ("https://localhost:8080", 200),
            ("http://localhost:8081", 403),
            ("http://attacker.example", 403),
            ("null", 403),
        ] {
            let got = local.check(Version::HTTP_11, &headers(&[(HOST, "localhost:8080"), (ORIGIN, origin)]));
            assert_eq!(status(got), want, "{origin}");
        }
    }
}
