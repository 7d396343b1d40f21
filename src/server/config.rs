//! What the environment says about the service, read once and checked before anything starts.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::coordinator::Housekeeping;
use crate::engine::Policy;
use crate::service::{AutoShare, Limits};
use crate::store::Retries;
use crate::webhook;
use crate::workspace::{Env, Token};

/// Everything that can be set about the service.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The host to listen on, `COORD_HOST`.
    pub host: String,
    /// The port to listen on, `COORD_PORT`; 0 for any free one.
    pub port: u16,
    /// The database, `COORD_DATABASE_PATH`.
    pub database: PathBuf,
    /// What clients must show, `COORD_AUTH_TOKEN`; `None` only under `COORD_ALLOW_INSECURE_NO_AUTH`.
    pub token: Option<Token>,
    /// Host names that the service is known under beside loopback ones, `COORD_ALLOWED_HOSTS`.
    pub allowed_hosts: Vec<String>,
    /// What decisions depend on.
    pub policy: Policy,
    /// How house is kept.
    pub house: Housekeeping,
    /// A checkout to look into, `COORD_REPO_ROOT`, and the part of it that counts, `COORD_REPO_SCOPE`.
    pub checkout: Option<(PathBuf, Option<String>)>,
    /// How much of it one request may cover.
    pub limits: Limits,
    /// How long a list of its files is good for, `COORD_LS_FILES_CACHE_TTL_SEC`.
    pub keep_listing: Duration,
    /// How long deciding or storing a batch may take before the log says so, `COORD_SLOW_DECISION_MS`; `None` for ever.
    pub slow_decision: Option<Duration>,
    /// When files are shared without anybody asking for it, `COORD_AUTO_PROMOTE_*` and `COORD_AUTO_DEMOTE_*`.
    pub auto_share: AutoShare,
    /// Whether to do without the lock that keeps a second service off the database.
    pub no_instance_lock: bool,
    /// Who is told of events, `COORD_WEBHOOK_URL`, and how; `None` if nobody is.
    pub webhook: Option<webhook::Settings>,
}

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither a token nor the word to do without one.
    #[error("COORD_AUTH_TOKEN is not set")]
    NoToken,
    /// The token could not be sent by any client.
    #[error("COORD_AUTH_TOKEN has characters that cannot stand in a header")]
    Token,
    /// The address of the receiver, which is not shown as it may hold a secret, is not one.
    #[error("COORD_WEBHOOK_URL is not an address to send to: {problem}")]
    WebhookUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A value is not what its name stands for.
    #[error("{name}={value:?} is not {expected}")]
    Value {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl ServeConfig {
    /// Reads the environment; `default_host` is where to listen if it does not say.
    ///
    /// # Errors
    ///
    /// If a value makes no sense, or nothing is said about a token.
    pub fn from_env(env: &Env, default_host: &str) -> Result<ServeConfig, ConfigError> {
        let reader = Reader { env };
        let token = match env.get("COORD_AUTH_TOKEN") {
            Some(token) => Some(Token::new(token).ok_or(ConfigError::Token)?),
            None if reader.truthy("COORD_ALLOW_INSECURE_NO_AUTH") => None,
            None => return Err(ConfigError::NoToken),
        };
        let (policy, house) = ServeConfig::decisions(env)?;
        let slow = reader.number("COORD_SLOW_DECISION_MS", 250)?;
        Ok(ServeConfig {
            host: env.get("COORD_HOST").unwrap_or(default_host).into(),
            port: reader.parsed("COORD_PORT", 8080, "a port")?,
            database: env.get("COORD_DATABASE_PATH").unwrap_or("./data/coordination.db").into(),
            token,
            allowed_hosts: reader.list("COORD_ALLOWED_HOSTS"),
            policy,
            house,
            checkout: env
                .get("COORD_REPO_ROOT")
                .map(|root| (absolute(root), env.get("COORD_REPO_SCOPE").map(String::from))),
            limits: Limits {
                files: reader.parsed("COORD_MAX_CLAIM_FILES", 100, "a number")?,
                ratio: reader.ratio("COORD_MAX_CLAIM_RATIO", 0.2)?,
            },
            keep_listing: Duration::from_secs(reader.number("COORD_LS_FILES_CACHE_TTL_SEC", 10)?),
            slow_decision: (slow > 0).then(|| Duration::from_millis(slow)),
            auto_share: ServeConfig::auto_share(env)?,
            no_instance_lock: reader.truthy("COORD_DISABLE_INSTANCE_LOCK"),
            webhook: reader.webhook()?,
        })
    }

    /// Reads the part that embedded use knows too: what decisions depend on, and how house is kept.
    ///
    /// # Errors
    ///
    /// If a value makes no sense.
    pub fn decisions(env: &Env) -> Result<(Policy, Housekeeping), ConfigError> {
        let reader = Reader { env };
        let hours = |count: u64| Duration::from_secs(count * 3600);
        let default = Policy::default();
        let idle =
            reader.number("COORD_IDLE_TIMEOUT_SEC", default.idle_timeout.map_or(0, |idle| idle.as_secs()))?;
        let boost = reader.number("COORD_QUEUE_AGE_BOOST_SECONDS", 60)?;
        let policy = Policy {
            default_ttl: hours(reader.hours("COORD_DEFAULT_TTL_HOURS", 4)?),
            shared_ttl: hours(reader.hours("COORD_SHARED_TTL_HOURS", 2)?),
            idle_timeout: (idle > 0).then(|| Duration::from_secs(idle)),
            short_ttl: Duration::from_secs(reader.number("COORD_REQUEST_TTL_SHORT_SEC", 300)?),
            age_boost: (boost > 0).then(|| Duration::from_secs(boost)),
        };
        let house = Housekeeping {
            timers: !reader.truthy("COORD_DISABLE_BACKGROUND_CLEANUP"),
            interval: Duration::from_secs(reader.number("COORD_CLEANUP_INTERVAL_SEC", 900)?.max(1)),
            retention: hours(reader.number("COORD_RETENTION_DAYS", RETENTION_DAYS)?.max(1) * 24),
        };
        Ok((policy, house))
    }

    /// Reads when files are shared without anybody asking for it, which embedded use knows, too.
    ///
    /// # Errors
    ///
    /// If a value makes no sense.
    pub fn auto_share(env: &Env) -> Result<AutoShare, ConfigError> {
        let reader = Reader { env };
        let sweep = reader.number("COORD_AUTO_DEMOTE_INTERVAL_SEC", 3600)?;
        Ok(AutoShare {
            threshold: reader.number("COORD_AUTO_PROMOTE_THRESHOLD", 0)?,
            window_days: reader.days("COORD_AUTO_PROMOTE_WINDOW_DAYS", 7)?,
            subtree_min_files: reader.parsed(
                "COORD_AUTO_PROMOTE_SUBTREE_MIN_FILES",
                3,
                "a number of files",
            )?,
            sweep: (sweep > 0).then(|| Duration::from_secs(sweep)),
            sweep_window_days: reader.days("COORD_AUTO_DEMOTE_WINDOW_DAYS", 14)?,
        })
    }

    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// How clients have to identify themselves, in the words of the probes.
    #[must_use]
    pub fn auth_mode(&self) -> &'static str {
        if self.token.is_some() { "bearer" } else { "insecure-no-auth" }
    }
}

/// A path that means the same wherever the service runs.
fn absolute(path: &str) -> PathBuf {
    // The only failure is an empty path, which counts as not set.
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

/// How long what is over is kept, in days, unless `COORD_RETENTION_DAYS` says otherwise.
const RETENTION_DAYS: u64 = 90;

/// The most days that may be looked back.
const MOST_DAYS: u64 = 3650;

struct Reader<'a> {
    env: &'a Env,
}

impl Reader<'_> {
    fn parsed<T: std::str::FromStr>(
        &self,
        name: &'static str,
        default: T,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        let Some(value) = self.env.get(name) else { return Ok(default) };
        value.trim().parse().map_err(|_| ConfigError::Value { name, value: value.into(), expected })
    }

    fn number(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        let number = self.parsed(name, default, "a whole number of at least 0")?;
        let value = || number.to_string();
        // A century of seconds: more than that is a slip, and would overflow somewhere.
        if number > 3_200_000_000 {
            return Err(ConfigError::Value { name, value: value(), expected: "within reason" });
        }
        Ok(number)
    }

    fn hours(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        let hours = self.number(name, default)?;
        if !(1..=Policy::LONGEST_TTL.as_secs() / 3600).contains(&hours) {
            let value = hours.to_string();
            return Err(ConfigError::Value {
                name,
                value,
                expected: "between an hour and ten years, in hours",
            });
        }
        Ok(hours)
    }

    fn days(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        let days = self.number(name, default)?;
        if !(1..=MOST_DAYS).contains(&days) {
            let value = days.to_string();
            return Err(ConfigError::Value { name, value, expected: "between a day and ten years, in days" });
        }
        Ok(days)
    }

    fn ratio(&self, name: &'static str, default: f64) -> Result<f64, ConfigError> {
        let ratio: f64 = self.parsed(name, default, "a fraction")?;
        if (0.0..=1.0).contains(&ratio) {
            return Ok(ratio);
        }
        Err(ConfigError::Value { name, value: ratio.to_string(), expected: "between 0 and 1" })
    }

    /// All of it is checked, whether or not there is a receiver.
    fn webhook(&self) -> Result<Option<webhook::Settings>, ConfigError> {
        let attempts = self.at_least_one("COORD_WEBHOOK_MAX_RETRIES", 5)?;
        let backoff = Duration::from_secs(self.at_least_one("COORD_WEBHOOK_RETRY_BACKOFF_SEC", 60)?);
        let interval = Duration::from_secs(self.at_least_one("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", 5)?);
        let Some(url) = self.env.get("COORD_WEBHOOK_URL") else { return Ok(None) };
        let url = webhook::Url::new(url.trim()).map_err(|problem| ConfigError::WebhookUrl { problem })?;
        Ok(Some(webhook::Settings {
            url,
            secret: self.env.get("COORD_WEBHOOK_SECRET").map(webhook::Secret::new),
            events: self.list("COORD_WEBHOOK_EVENTS"),
            retries: Retries { attempts: u32::try_from(attempts).unwrap_or(u32::MAX), backoff },
            interval,
        }))
    }

    fn at_least_one(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        match self.number(name, default)? {
            0 => Err(ConfigError::Value { name, value: "0".into(), expected: "at least 1" }),
            number => Ok(number),
        }
    }

    fn truthy(&self, name: &str) -> bool {
        let value = self.env.get(name).unwrap_or_default().trim().to_ascii_lowercase();
        matches!(value.as_str(), "1" | "true" | "yes" | "on")
    }

    fn list(&self, name: &str) -> Vec<String> {
        let items =
            self.env.get(name).unwrap_or_default().split(',').map(|item| item.trim().to_ascii_lowercase());
        items.filter(|item| !item.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ServeConfig, ConfigError> {
        let env = Env::from_pairs(pairs.iter().map(|&(name, value)| (name, value)));
        ServeConfig::from_env(&env, "127.0.0.1")
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let config = read(&[("COORD_AUTH_TOKEN", "t")]).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("127.0.0.1", 8080));
        assert_eq!(config.database, PathBuf::from("./data/coordination.db"));
        assert_eq!(config.policy.default_ttl, Duration::from_secs(4 * 3600));
        assert_eq!(config.policy.shared_ttl, Duration::from_secs(2 * 3600));
        assert_eq!(config.policy.idle_timeout, Some(Duration::from_secs(1800)));
        assert_eq!(config.house.interval, Duration::from_secs(900));
        assert_eq!((config.limits.files, config.limits.ratio), (100, 0.2));
        assert_eq!(config.keep_listing, Duration::from_secs(10));
        assert_eq!(config.slow_decision, Some(Duration::from_millis(250)));
        let auto = &config.auto_share;
        assert!(!auto.is_on());
        assert_eq!((auto.window_days, auto.subtree_min_files, auto.sweep_window_days), (7, 3, 14));
        assert_eq!(auto.sweep, Some(Duration::from_secs(3600)));
        assert!(config.house.timers && !config.no_instance_lock && config.is_local());
    }

    #[test]
    fn a_token_or_the_word_to_do_without() {
        assert!(matches!(read(&[]), Err(ConfigError::NoToken)));
        assert!(matches!(read(&[("COORD_AUTH_TOKEN", "")]), Err(ConfigError::NoToken)));
        assert_eq!(read(&[("COORD_ALLOW_INSECURE_NO_AUTH", "Yes")]).unwrap().auth_mode(), "insecure-no-auth");
        assert_eq!(read(&[("COORD_AUTH_TOKEN", "x")]).unwrap().auth_mode(), "bearer");
    }

    #[test]
    fn no_decision_is_too_slow_for_zero() {
        let config = read(&[("COORD_AUTH_TOKEN", "t"), ("COORD_SLOW_DECISION_MS", "0")]).unwrap();
        assert_eq!(config.slow_decision, None);
    }

    #[test]
    fn nonsense_is_named() {
        for (name, value) in [
            ("COORD_PORT", "http"),
            ("COORD_PORT", "65536"),
            ("COORD_DEFAULT_TTL_HOURS", "0"),
            ("COORD_DEFAULT_TTL_HOURS", "-4"),
            ("COORD_IDLE_TIMEOUT_SEC", "soon"),
            ("COORD_IDLE_TIMEOUT_SEC", "99999999999"),
            ("COORD_SLOW_DECISION_MS", "1s"),
            ("COORD_MAX_CLAIM_RATIO", "a fifth"),
            ("COORD_MAX_CLAIM_RATIO", "NaN"),
            ("COORD_MAX_CLAIM_RATIO", "-3"),
            ("COORD_AUTO_PROMOTE_THRESHOLD", "-1"),
            ("COORD_AUTO_PROMOTE_WINDOW_DAYS", "0"),
            ("COORD_AUTO_PROMOTE_SUBTREE_MIN_FILES", "few"),
            ("COORD_AUTO_DEMOTE_INTERVAL_SEC", "1h"),
            ("COORD_AUTO_DEMOTE_WINDOW_DAYS", "3651"),
            ("COORD_WEBHOOK_MAX_RETRIES", "0"),
            ("COORD_WEBHOOK_MAX_RETRIES", "-1"),
            ("COORD_WEBHOOK_RETRY_BACKOFF_SEC", "a minute"),
            ("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", "0.5"),
        ] {
            let error = read(&[("COORD_AUTH_TOKEN", "t"), (name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn webhooks() {
        let with = |pairs: &[(&str, &str)]| read(&[&[("COORD_AUTH_TOKEN", "t")], pairs].concat());
        assert!(with(&[("COORD_WEBHOOK_SECRET", "s")]).unwrap().webhook.is_none());
        let url = ("COORD_WEBHOOK_URL", "https://hook.example/x?key=k");
        let webhook = with(&[url]).unwrap().webhook.unwrap();
        assert_eq!(webhook.url.expose(), "https://hook.example/x?key=k");
        assert_eq!((webhook.secret, webhook.events), (None, vec![]));
        assert_eq!(webhook.retries, Retries { attempts: 5, backoff: Duration::from_secs(60) });
        assert_eq!(webhook.interval, Duration::from_secs(5));
        let webhook = with(&[
            url,
            ("COORD_WEBHOOK_SECRET", " s "),
            ("COORD_WEBHOOK_EVENTS", "queue_cancel, auto-narrow,,nothing"),
            ("COORD_WEBHOOK_MAX_RETRIES", "2"),
        ]);
        let webhook = webhook.unwrap().webhook.unwrap();
        assert_eq!(webhook.secret, Some(webhook::Secret::new(" s ")));
        assert_eq!(webhook.events, ["queue_cancel", "auto-narrow", "nothing"]);
        assert_eq!(webhook.unknown_events().collect::<Vec<_>>(), ["nothing"]);
        assert_eq!(webhook.retries.attempts, 2);
        let error = with(&[("COORD_WEBHOOK_URL", "hook.example/sesame")]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("COORD_WEBHOOK_URL is not") && !shown.contains("sesame"), "{shown}");
    }
}
