//! Who may ask: the bearer token, and the checks that keep other people's web pages out.

use hyper::header::{AUTHORIZATION, HOST, ORIGIN};
use hyper::{HeaderMap, Version};
use subtle::ConstantTimeEq;

use super::ServeConfig;
use super::origin::{Authority, Host, Origin};
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
    /// Hosts beside loopback ones; `None` if any will do.
    hosts: Option<Vec<Host>>,
}

impl Origins {
    /// Names are checked where a browser on this machine could be turned against the service: when it listens on
    /// loopback or asks for no token, and when an operator has listed the right ones.
    pub(super) fn of(config: &ServeConfig) -> Origins {
        let open = !config.is_local() && config.token.is_some() && config.allowed_hosts.is_empty();
        let names = [&config.host].into_iter().chain(&config.allowed_hosts);
        Origins { hosts: (!open).then(|| names.filter_map(|name| Host::configured(name)).collect()) }
    }

    /// Refuses a request that was meant for another host (DNS rebinding) or comes from another origin's page. `target` is
    /// the host of a target in absolute form, as a client sends it to a proxy.
    ///
    /// Only HTTP/1.0 may leave the host out, and no browser speaks that.
    pub(super) fn check(
        &self,
        version: Version,
        target: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<(), Reply> {
        match headers.get_all(HOST).iter().count() {
            1 => {}
            0 if version < Version::HTTP_11 && target.is_none() && !headers.contains_key(ORIGIN) => {
                return Ok(());
            }
            _ => return Err(Reply::detail(400, "A request names one Host")),
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(Authority::parse);
        let same = target.is_none_or(|target| host.is_some() && Authority::parse(target) == host);
        if !same || !self.knows(host.as_ref()) {
            return Err(Reply::detail(
                403,
                "This Host is not known here; an operator can add it to COORD_ALLOWED_HOSTS",
            ));
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        let origin = origin.to_str().ok().and_then(Origin::parse).filter(|_| origins.next().is_none());
        match origin.zip(host) {
            Some((origin, host)) if origin.is_of(&host) => Ok(()),
            _ => Err(Reply::detail(403, "Pages of another origin may not use this service")),
        }
    }

    fn knows(&self, host: Option<&Authority>) -> bool {
        let Some(known) = &self.hosts else { return true };
        host.is_some_and(|Authority { host, .. }| host.is_loopback() || known.contains(host))
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
        let local = Origins { hosts: Some(vec![Host::Name("coord.example".into())]) };
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
            assert_eq!(
                status(local.check(Version::HTTP_11, None, &headers(&[(HOST, host)]))),
                want,
                "{host}"
            );
        }
        assert_eq!(status(local.check(Version::HTTP_10, None, &headers(&[]))), 200);
        assert_eq!(
            status(local.check(Version::HTTP_10, None, &headers(&[(ORIGIN, "http://localhost")]))),
            400
        );
        assert_eq!(status(local.check(Version::HTTP_11, None, &headers(&[]))), 400);
        let open = Origins { hosts: None };
        assert_eq!(status(open.check(Version::HTTP_11, None, &headers(&[(HOST, "anything")]))), 200);
        for (origin, want) in [
            ("http://localhost:8080", 200),
            ("https://localhost:8080", 200),
            ("http://localhost:8081", 403),
            ("http://attacker.example", 403),
            ("null", 403),
        ] {
            let got =
                local.check(Version::HTTP_11, None, &headers(&[(HOST, "localhost:8080"), (ORIGIN, origin)]));
            assert_eq!(status(got), want, "{origin}");
        }
        let twice = headers(&[(HOST, "localhost"), (ORIGIN, "http://localhost")]);
        assert_eq!(status(local.check(Version::HTTP_11, None, &twice)), 200);
        let mut more = twice.clone();
        more.append(ORIGIN, "http://localhost".parse().unwrap());
        assert_eq!(status(local.check(Version::HTTP_11, None, &more)), 403);
        assert_eq!(status(local.check(Version::HTTP_11, Some("LOCALHOST"), &twice)), 200);
        assert_eq!(status(local.check(Version::HTTP_11, Some("evil.example"), &twice)), 403);
        assert_eq!(status(open.check(Version::HTTP_11, Some("evil.example"), &twice)), 403);
    }
}
