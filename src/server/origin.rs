//! Reads the `Host` and `Origin` of a request by their grammar, so that they are compared as values and never as text.
//!
//! The grammar is that of RFC 3986 (`host [ ":" port ]`) and RFC 6454 (`scheme "://" host [ ":" port ]`), without what no
//! browser and no client of ours sends: user names, percent signs, future IP versions, and numbers that only look like an
//! address. What does not match is no host at all.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name of a host, in bytes.
const LONGEST_NAME: usize = 253;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, in brackets.
    V6(Ipv6Addr),
    /// A name, in lower case.
    Name(String),
}

/// A host and the port on it; `None` where the scheme says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

/// Where a page comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) host: Host,
    pub(super) port: u16,
    default_port: u16,
}

impl Host {
    /// Reads a host as it stands in an address; an IPv6 address is in brackets.
    pub(super) fn parse(text: &str) -> Option<Host> {
        if let Some(inside) = text.strip_prefix('[') {
            return inside.strip_suffix(']')?.parse().ok().map(Host::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Host::V4(address));
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let last = text.rsplit('.').next().unwrap_or_default();
        // A name that ends in a number is read as an address by browsers, however odd.
        let is_number = last.starts_with(|c: char| c.is_ascii_digit());
        let is_name = text.len() <= LONGEST_NAME && text.split('.').all(is_label) && !is_number;
        is_name.then(|| Host::Name(text.to_ascii_lowercase()))
    }

    /// Reads a host as an operator configures it: also an IPv6 address without brackets.
    pub(super) fn configured(text: &str) -> Option<Host> {
        text.parse().ok().map(Host::V6).or_else(|| Host::parse(text))
    }

    /// Whether it is this machine, by address or by name.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Host::V4(address) => *address == Ipv4Addr::LOCALHOST,
            Host::V6(address) => *address == Ipv6Addr::LOCALHOST,
            Host::Name(name) => name == "localhost",
        }
    }
}

impl Authority {
    /// Reads `host` or `host:port`.
    pub(super) fn parse(text: &str) -> Option<Authority> {
        // The colons of an IPv6 address are inside its brackets.
        let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text[end..].find(':') {
            Some(colon) => (&text[..end + colon], port(&text[end + colon + 1..])?),
            None => (text, None),
        };
        Some(Authority { host: Host::parse(host)?, port })
    }
}

impl Origin {
    /// Reads the origin of a page that was loaded over HTTP or HTTPS.
    pub(super) fn parse(text: &str) -> Option<Origin> {
        let (scheme, authority) = text.split_once("://")?;
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let Authority { host, port } = Authority::parse(authority)?;
        Some(Origin { host, port: port.unwrap_or(default_port), default_port })
    }

    /// Whether a request to `host` from a page of this origin stays within the origin.
    ///
    /// Schemes are not compared: a proxy may have taken the encryption off.
    pub(super) fn is_of(&self, host: &Authority) -> bool {
        self.host == host.host && self.port == host.port.unwrap_or(self.default_port)
    }
}

/// Reads a port; an empty one is that of the scheme.
fn port(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let is_number = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a `Host` is to a service on loopback: the port it names, or nothing.
    fn served(text: &str) -> Option<Option<u16>> {
        Authority::parse(text).filter(|authority| authority.host.is_loopback()).map(|found| found.port)
    }

    #[test]
    fn hosts_of_a_loopback_service() {
        let served_forms = [
            ("localhost", None),
            ("LOCALHOST", None),
            ("LocalHost:80", Some(80)),
            ("localhost:", None),
            ("localhost:0", Some(0)),
            ("localhost:65535", Some(65535)),
            ("localhost:08080", Some(8080)),
            ("127.0.0.1", None),
            ("127.0.0.1:8080", Some(8080)),
            ("[::1]", None),
            ("[::1]:8080", Some(8080)),
            ("[0:0:0:0:0:0:0:1]:1", Some(1)),
            ("[0000::0001]", None),
        ];
        for (text, port) in served_forms {
            assert_eq!(served(text), Some(port), "{text}");
        }
        let refused = [
            "",
            ":",
            ":80",
            "[::1].evil.example",
            "[::1]evil.example",
            "[::1]evil.example:80",
            "[::1",
            "::1",
            "::1]",
            "[::1]]",
            "[[::1]]",
            "[]",
            "[]:80",
            "[::1]:",
            "[::1]:x",
            "[::1%25lo]",
            "[::1%lo]",
            "[v1.a]",
            "[127.0.0.1]",
            "[127.0.0.1].evil",
            "[localhost]",
            "[::ffff:127.0.0.1]",
            "127.0.0.1:evil.example",
            "127.0.0.1:80@evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "user:password@localhost",
            "localhost:80.evil.example",
            "localhost:@evil",
            "localhost:x",
            "localhost:-1",
            "localhost:+80",
            "localhost: 80",
            "localhost:80 ",
            " localhost",
            "localhost\t",
            "localhost:80:80",
            "localhost::80",
            "localhost:99999",
            "127.0.0.1:99999",
            "127.0.0.1:65536",
            "127.0.0.1:000080",
            "localhost.",
            "localhost..",
            ".localhost",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1.",
            "127.1",
            "127.0.0.01",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "127.0.0.1/",
            "localhost/path",
            "localhost?",
            "localhost#",
            "localhost\\evil.example",
            "localhost,evil.example",
            "localhost%00",
            "%6cocalhost",
            "lоcalhost",
            "http://localhost",
            "*",
        ];
        for text in refused {
            // An empty port is the scheme's.
            let is_good = text == "[::1]:";
            assert_eq!(served(text).is_some(), is_good, "{text}");
        }
        assert!(served_forms.len() + refused.len() >= 60);
    }

    #[test]
    fn origins_are_compared_as_values() {
        for (origin, host, want) in [
            ("http://localhost:8080", "localhost:8080", true),
            ("https://localhost:8080", "LOCALHOST:8080", true),
            ("http://localhost", "localhost:80", true),
            ("http://localhost:80", "localhost", true),
            ("https://coord.example", "coord.example", true),
            ("https://coord.example", "coord.example:443", true),
            ("https://coord.example:443", "coord.example", true),
            ("http://[::1]:8080", "[0::1]:8080", true),
            ("http://localhost:8081", "localhost:8080", false),
            ("http://localhost", "localhost:443", false),
            ("https://localhost", "localhost:80", false),
            ("http://localhost", "127.0.0.1", false),
            ("http://evil.example", "localhost", false),
            ("http://localhost.evil.example", "localhost", false),
            ("http://localhost@evil.example", "localhost", false),
            ("http://evil.example@localhost", "localhost", false),
            ("ftp://localhost:8080", "localhost:8080", false),
            ("HTTP://localhost:8080", "localhost:8080", false),
            ("file://localhost", "localhost", false),
            ("chrome-extension://localhost", "localhost", false),
            ("http:localhost", "localhost", false),
            ("//localhost", "localhost", false),
            ("localhost", "localhost", false),
            ("null", "localhost", false),
            ("", "localhost", false),
            ("http://", "localhost", false),
            ("http://localhost/", "localhost", false),
            ("http://localhost:99999", "localhost", false),
            ("http://localhost http://localhost", "localhost", false),
        ] {
            let host = Authority::parse(host).unwrap();
            assert_eq!(Origin::parse(origin).is_some_and(|origin| origin.is_of(&host)), want, "{origin}");
        }
    }

    #[test]
    fn hosts_as_they_are_configured() {
        assert_eq!(Host::configured("::1"), Host::parse("[::1]"));
        assert_eq!(Host::configured("Coord.Example"), Some(Host::Name("coord.example".into())));
        assert_eq!(Host::configured("10.0.0.7"), Some(Host::V4(Ipv4Addr::new(10, 0, 0, 7))));
        assert_eq!(Host::configured("coord.example:80"), None);
    }
}
