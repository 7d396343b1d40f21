//! Every variable that the environment may hold, with its default: what documents and templates are held against.

/// Variables of the service, each with the value that is the same as none, where there is one.
pub const SERVICE_VARIABLES: &[(&str, Option<&str>)] = &[
    ("COORD_AUTH_TOKEN", None),
    ("COORD_ALLOW_INSECURE_NO_AUTH", Some("false")),
    ("COORD_HOST", Some("127.0.0.1")),
    ("COORD_PORT", Some("8080")),
    ("COORD_ALLOWED_HOSTS", None),
    ("COORD_DATABASE_PATH", Some("./data/coordination.db")),
    ("COORD_DISABLE_INSTANCE_LOCK", Some("false")),
    ("COORD_DEFAULT_TTL_HOURS", Some("4")),
    ("COORD_SHARED_TTL_HOURS", Some("2")),
    ("COORD_IDLE_TIMEOUT_SEC", Some("1800")),
    ("COORD_QUEUE_AGE_BOOST_SECONDS", Some("60")),
    ("COORD_REQUEST_TTL_SHORT_SEC", Some("300")),
    ("COORD_CLEANUP_INTERVAL_SEC", Some("900")),
    ("COORD_RETENTION_DAYS", Some("90")),
    ("COORD_DISABLE_BACKGROUND_CLEANUP", Some("false")),
    ("COORD_WEBHOOK_URL", None),
    ("COORD_WEBHOOK_SECRET", None),
    ("COORD_WEBHOOK_EVENTS", None),
    ("COORD_WEBHOOK_MAX_RETRIES", Some("5")),
    ("COORD_WEBHOOK_RETRY_BACKOFF_SEC", Some("60")),
    ("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", Some("5")),
    ("COORD_REPO_ROOT", None),
    ("COORD_REPO_SCOPE", None),
    ("COORD_MAX_CLAIM_FILES", Some("100")),
    ("COORD_MAX_CLAIM_RATIO", Some("0.2")),
    ("COORD_LS_FILES_CACHE_TTL_SEC", Some("10")),
    ("COORD_AUTO_PROMOTE_THRESHOLD", Some("0")),
    ("COORD_AUTO_PROMOTE_WINDOW_DAYS", Some("7")),
    ("COORD_AUTO_PROMOTE_SUBTREE_MIN_FILES", Some("3")),
    ("COORD_AUTO_DEMOTE_INTERVAL_SEC", Some("3600")),
    ("COORD_AUTO_DEMOTE_WINDOW_DAYS", Some("14")),
    ("COORD_LOG_LEVEL", Some("info")),
    ("COORD_LOG_JSON", Some("false")),
    ("COORD_SLOW_DECISION_MS", Some("250")),
    ("COORD_HOME", Some("~/.coord")),
    ("COORD_START_READY_TIMEOUT_SEC", Some("30")),
];

/// Variables of the commands, which the service does not read.
pub const CLIENT_VARIABLES: &[(&str, Option<&str>)] = &[
    ("COORD_API_URL", None),
    ("COORD_SERVICE_URL", None),
    ("COORD_TOKEN", None),
    ("COORD_REPO_ID", None),
    ("COORD_ENGINEER", None),
    ("COORD_USER", None),
    ("COORD_SESSION_ID", None),
    ("COORD_PRE_PUSH", Some("block")),
    ("COORD_DISABLE_CLIENT_VALIDATION", None),
    ("COORD_NO_UPDATE_CHECK", None),
    ("COORD_REQUESTER", None),
    ("COORD_RELEASE_ON_EXIT", None),
    ("COORD_COMPLETE", None),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::ServeConfig;
    use crate::workspace::Env;

    #[test]
    fn defaults_are_what_counts_without_them() {
        let token = [("COORD_AUTH_TOKEN", "t")];
        let defaults = SERVICE_VARIABLES.iter().filter_map(|&(name, value)| Some((name, value?)));
        let read = |env: &Env| format!("{:?}", ServeConfig::from_env(env, "127.0.0.1").unwrap());
        let spelled = Env::from_pairs(token.into_iter().chain(defaults));
        assert_eq!(read(&spelled), read(&Env::from_pairs(token)));
    }
}
