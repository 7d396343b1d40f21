//! The environment as a value.
//!
//! Read once from the process and passed on, so that every rule about it can be tested with a map. Must not be
//! printed with its values: one of them may be a token.

use std::collections::BTreeMap;
use std::fmt;

/// Environment variables; an empty value counts as unset.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The environment of this process: the one place the crate's clients read it.
    ///
    /// Bytes that are not UTF-8 become U+FFFD. Where `HOME` is not set it is filled in from the user database, so
    /// that `~/.coord` means the same in a stripped environment.
    pub fn from_process() -> Env {
        let mut env = Env(std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect());
        if env.get("HOME").is_none()
            && let Some(home) = std::env::home_dir()
        {
            env.0.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
        }
        env
    }

    /// An environment of exactly these variables; a later pair replaces an earlier one of the same name.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Env
    where
        N: Into<String>,
        V: Into<String>,
    {
        Env(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The same environment with one variable set otherwise.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Env {
        let mut env = self.clone();
        env.0.insert(name.to_owned(), value.to_owned());
        env
    }

    /// The value of `name`; `None` when it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of `names` that is set.
    pub(super) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl fmt::Debug for Env {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset_and_the_last_pair_counts() {
        let env = Env::from_pairs([("A", ""), ("B", "1"), ("B", "2")]);
        assert_eq!(env.get("A"), None);
        assert_eq!(env.get("B"), Some("2"));
        assert_eq!(env.get("C"), None);
        assert_eq!(env.first(&["A", "C", "B"]), Some("2"));
    }

    #[test]
    fn debug_shows_no_values() {
        let env = Env::from_pairs([("COORD_AUTH_TOKEN", "sesame")]);
        let shown = format!("{env:?}");
        assert!(shown.contains("COORD_AUTH_TOKEN") && !shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn process_environment_has_a_home() {
        assert!(Env::from_process().get("HOME").is_some());
    }
}
