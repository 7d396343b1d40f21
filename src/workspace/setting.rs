//! A configured value and where it came from, so that every message about it can say which file or variable to
//! change.

use std::fmt;
use std::path::PathBuf;

use super::WorkspaceError;

/// A value with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What is configured.
    pub value: T,
    /// Where.
    pub source: Source,
}

/// Where a value came from. Its `Display` reads as the subject of a sentence: `COORD_API_URL in the environment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A variable of the process environment.
    Environment(&'static str),
    /// A key of a `.coordination/local.env`.
    LocalEnv(&'static str, PathBuf),
    /// A key of a `.coordination/config.toml`.
    Config(&'static str, PathBuf),
    /// The file in which `coord start` keeps its token.
    HomeToken(PathBuf),
    /// Derived from the clone.
    Git,
    /// Nothing configures it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Environment(key) => write!(f, "{key} in the environment"),
            Source::LocalEnv(key, path) | Source::Config(key, path) => {
                write!(f, "{key} in {}", path.display())
            }
            Source::HomeToken(path) => write!(f, "{}", path.display()),
            Source::Git => f.write_str("the git clone"),
            Source::Default => f.write_str("the default"),
        }
    }
}

/// A bearer token. Only [`Token::expose`] gives it away; it has no `Display` and an empty `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a value as a token, less surrounding white space; `None` if it cannot stand in an `Authorization` header
    /// as it is.
    #[must_use]
    pub fn new(value: &str) -> Option<Token> {
        let value = value.trim();
        let fits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Token(value.to_owned()))
    }

    /// Takes a configured value as a token.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Token`] when it cannot stand in an `Authorization` header as it is.
    pub(super) fn from_setting(setting: Setting<String>) -> Result<Setting<Token>, WorkspaceError> {
        match Token::new(&setting.value) {
            Some(value) => Ok(Setting { value, source: setting.source }),
            None => Err(WorkspaceError::Token { origin: setting.source }),
        }
    }

    /// The token itself, for the `Authorization` header and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(value: &str) -> Result<Setting<Token>, WorkspaceError> {
        Token::from_setting(Setting {
            value: value.to_owned(),
            source: Source::Environment("COORD_AUTH_TOKEN"),
        })
    }

    #[test]
    fn token_is_trimmed_and_never_shown() {
        let setting = token(" sesame\n").unwrap();
        assert_eq!(setting.value.expose(), "sesame");
        assert!(!format!("{setting:?}").contains("sesame"));
    }

    #[test]
    fn token_that_would_break_a_header_is_refused_unseen() {
        for value in ["se same", "ses\nX-Injected:1", "sésame", "\u{0}"] {
            let error = token(value).unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(shown.contains("COORD_AUTH_TOKEN") && !shown.contains(value), "{shown}");
        }
    }

    #[test]
    fn source_reads_as_a_place() {
        let path = PathBuf::from("/x/.coordination/local.env");
        assert_eq!(
            Source::LocalEnv("COORD_API_URL", path).to_string(),
            "COORD_API_URL in /x/.coordination/local.env"
        );
        assert_eq!(Source::Environment("COORD_API_URL").to_string(), "COORD_API_URL in the environment");
    }
}
