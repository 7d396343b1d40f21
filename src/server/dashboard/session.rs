//! Who has logged in with a browser: sessions and one-time codes, in memory only.
//!
//! A cookie names a session by a random word and never holds the token. What changes anything needs a second random word
//! with it, which only our own pages are told, and an `Origin` that has been checked. All of it ends with the process.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use uuid::Uuid;

/// How long a login lasts.
pub(super) const LASTS: Duration = Duration::from_secs(12 * 3600);

/// How long a one-time code can be used.
pub(super) const CODE_LASTS: Duration = Duration::from_secs(60);

/// The most logins there are at once. One more ends the oldest.
const MOST_SESSIONS: usize = 1000;

/// The most codes that nobody has used yet.
const MOST_CODES: usize = 100;

/// What the cookie is called.
const NAME: &str = "coord_session";

/// Everybody who has logged in.
#[derive(Debug, Default)]
pub(in crate::server) struct Visitors {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<String, Session>,
    /// When each code ends.
    codes: HashMap<String, Instant>,
}

#[derive(Debug)]
struct Session {
    /// The word that goes with its actions.
    word: String,
    until: Instant,
    /// Dropped with the session, which tells those who go by it.
    lives: watch::Sender<()>,
}

/// A session that somebody goes by for longer than a request.
#[derive(Debug)]
pub(in crate::server) struct Login {
    until: Instant,
    lives: watch::Receiver<()>,
}

impl Login {
    /// Waits until the session is over, whatever ends it.
    pub(in crate::server) async fn over(&mut self) {
        // Nothing is ever sent: what comes is that the session is gone.
        let _ = tokio::time::timeout_at(self.until.into(), self.lives.changed()).await;
    }
}

impl Visitors {
    /// Begins a session, and returns its name.
    pub(super) fn admit(&self, now: Instant) -> String {
        let mut known = self.known();
        known.sessions.retain(|_, session| session.until > now);
        if known.sessions.len() >= MOST_SESSIONS {
            let oldest = known.sessions.iter().min_by_key(|(_, session)| session.until);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                known.sessions.remove(&name);
            }
        }
        let name = word();
        let lives = watch::Sender::new(());
        known.sessions.insert(name.clone(), Session { word: word(), until: now + LASTS, lives });
        name
    }

    /// The word that goes with the actions of whoever sends these headers, if they are logged in.
    pub(super) fn recognise(&self, headers: &HeaderMap, now: Instant) -> Option<String> {
        self.session(headers, now, |session| session.word.clone())
    }

    /// The session of whoever sends these headers, if they are logged in.
    pub(super) fn login(&self, headers: &HeaderMap, now: Instant) -> Option<Login> {
        self.session(headers, now, |session| Login { until: session.until, lives: session.lives.subscribe() })
    }

    fn session<T>(&self, headers: &HeaderMap, now: Instant, look: impl FnOnce(&Session) -> T) -> Option<T> {
        let name = cookie(headers)?;
        self.known().sessions.get(name).filter(|session| session.until > now).map(look)
    }

    /// Ends the session of whoever sends these headers.
    pub(super) fn dismiss(&self, headers: &HeaderMap) {
        if let Some(name) = cookie(headers) {
            self.known().sessions.remove(name);
        }
    }

    /// A code that lets one browser in; `None` if too many wait to be used.
    pub(super) fn code(&self, now: Instant) -> Option<String> {
        let mut known = self.known();
        known.codes.retain(|_, until| *until > now);
        if known.codes.len() >= MOST_CODES {
            return None;
        }
        let code = word();
        known.codes.insert(code.clone(), now + CODE_LASTS);
        Some(code)
    }

    /// Uses a code up, and says whether it was good.
    pub(super) fn redeem(&self, code: &str, now: Instant) -> bool {
        self.known().codes.remove(code).is_some_and(|until| until > now)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().expect("nobody panics with this lock")
    }
}

/// Whether two words are the same, in the same time however much of them is.
pub(super) fn same(given: &str, wanted: &str) -> bool {
    given.as_bytes().ct_eq(wanted.as_bytes()).into()
}

/// The cookie that names a session, or takes it back if there is none; `is_secure` if it may only travel encrypted.
pub(super) fn set_cookie(session: Option<&str>, is_secure: bool) -> HeaderValue {
    let (name, lasts) = session.map_or(("", 0), |name| (name, LASTS.as_secs()));
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{NAME}={name}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).expect("hex digits and words are a header value")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value)
}

/// Sixty-four random hex digits, of which twelve bits are not.
fn word() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        [(COOKIE, cookie.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn sessions_end() {
        let (visitors, now) = (Visitors::default(), Instant::now());
        let name = visitors.admit(now);
        let headers = with(&format!("a=b; {NAME}={name}"));
        assert!(visitors.recognise(&headers, now).is_some());
        assert_eq!(visitors.recognise(&headers, now + LASTS), None);
        assert_eq!(visitors.recognise(&with(&format!("{NAME}=")), now), None);
        visitors.dismiss(&headers);
        assert_eq!(visitors.recognise(&headers, now), None);
    }

    #[tokio::test]
    async fn whoever_goes_by_a_session_is_told_of_its_end() {
        const DEADLINE: Duration = Duration::from_secs(60);
        async fn ends(login: &mut Login, within: Duration) -> bool {
            tokio::time::timeout(within, login.over()).await.is_ok()
        }
        let (visitors, now) = (Visitors::default(), Instant::now());
        let come = || with(&format!("{NAME}={}", visitors.admit(now)));
        let (leaving, staying) = (come(), come());
        let mut left = visitors.login(&leaving, now).unwrap();
        let mut expiring = visitors.login(&staying, now).unwrap();
        assert!(!ends(&mut left, Duration::ZERO).await);
        visitors.dismiss(&leaving);
        assert!(ends(&mut left, DEADLINE).await);
        assert!(visitors.login(&leaving, now).is_none());
        assert_eq!(expiring.until, now + LASTS);
        assert!(!ends(&mut expiring, Duration::ZERO).await);
        expiring.until = now;
        assert!(ends(&mut expiring, DEADLINE).await);
        let mut evicted = visitors.login(&staying, now).unwrap();
        (0..MOST_SESSIONS).for_each(|_| drop(visitors.admit(now + Duration::from_secs(1))));
        assert!(ends(&mut evicted, DEADLINE).await);
    }

    #[test]
    fn codes_let_in_once_and_for_a_minute() {
        let (visitors, now) = (Visitors::default(), Instant::now());
        let code = visitors.code(now).unwrap();
        assert!(visitors.redeem(&code, now));
        assert!(!visitors.redeem(&code, now));
        let late = visitors.code(now).unwrap();
        assert!(!visitors.redeem(&late, now + CODE_LASTS));
        assert!(!visitors.redeem("", now));
    }

    #[test]
    fn there_is_a_bound_to_both() {
        let (visitors, now) = (Visitors::default(), Instant::now());
        let first = visitors.admit(now);
        for later in 1..=MOST_SESSIONS {
            visitors.admit(now + Duration::from_millis(later as u64));
        }
        assert_eq!(visitors.recognise(&with(&format!("{NAME}={first}")), now), None);
        (0..MOST_CODES).for_each(|_| assert!(visitors.code(now).is_some()));
        assert_eq!(visitors.code(now), None);
        assert!(visitors.code(now + CODE_LASTS).is_some());
    }
}
