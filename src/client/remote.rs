//! The coordinator at the other end of an HTTP connection.

use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, RequestBuilder};

use super::waiting::ROUND;
use super::{ClientError, malformed};
use crate::wire::{
    CheckReply, CheckRequest, ClaimList, ClaimReply, ClaimRequest, ExtendRequest, Extended, HotspotList,
    HotspotQuery, ListQuery, OutboxList, OutboxStats, OwnershipSet, PromoteRequest, Promoted, PurgeRequest,
    Purged, Ready, ReleaseRequest, Released, RepoList, Retried, RetryRequest,
};
use crate::workspace::{Token, is_loopback};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 256 << 20;

/// A service and the right to use it.
pub struct Remote {
    agent: Agent,
    url: String,
    token: Option<Token>,
    /// How long an answer may take that is not waited for on purpose.
    answer: Duration,
    /// The longest that one request waits.
    pub(super) round: Duration,
}

impl Remote {
    /// A service at a base URL. Nothing is sent yet.
    #[must_use]
    pub fn new(url: &str, token: Option<Token>) -> Remote {
        Remote::within(url, token, CONNECT_TIMEOUT, ANSWER_TIMEOUT)
    }

    /// A service that is asked nothing that needs a token, and has this long to answer.
    #[must_use]
    pub fn patient_for(url: &str, patience: Duration) -> Remote {
        Remote::within(url, None, patience, patience)
    }

    /// The same service with so long to answer, for who cannot wait.
    #[must_use]
    pub fn hurried(self, patience: Duration) -> Remote {
        Remote::within(&self.url, self.token, patience, patience)
    }

    fn within(url: &str, token: Option<Token>, connect: Duration, answer: Duration) -> Remote {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(connect))
            .timeout_global(Some(answer))
            .user_agent(concat!("coord/", env!("CARGO_PKG_VERSION")));
        if is_loopback(url) {
            // A proxy has another loopback, and no business with what stays on this machine.
            config = config.proxy(None);
        }
        let url = url.trim_end_matches('/').into();
        Remote { agent: config.build().into(), url, token, answer, round: ROUND }
    }

    /// Where the service is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks whether the service is ready. This needs no token.
    ///
    /// # Errors
    ///
    /// If it does not answer, or is not one of ours.
    pub fn ready(&self) -> Result<Ready, ClientError> {
        let (status, body) = self.get("/readyz", &[])?;
        self.expect(status, body)
    }

    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimReply, ClientError> {
        self.claim_within(request, Duration::ZERO)
    }

    /// Asks for claims, and gives the service so much more time to answer.
    pub(super) fn claim_within(
        &self,
        request: &ClaimRequest,
        patience: Duration,
    ) -> Result<ClaimReply, ClientError> {
        let (status, body) = self.post_within("/claims", request, patience)?;
        match status {
            200 | 409 => self.decode(status, body),
            400 => Err(malformed(&self.decode(status, body)?)),
            _ => Err(self.unexpected(status, &body)),
        }
    }

    pub(super) fn claims(&mut self, query: &ListQuery) -> Result<ClaimList, ClientError> {
        let mut pairs = vec![("active_only", query.active_only.to_string())];
        let named = [
            ("engineer", &query.engineer),
            ("module", &query.module),
            ("repo", &query.repo),
            ("session_id", &query.session_id),
        ];
        pairs.extend(named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let (status, body) = self.get("/claims", &pairs)?;
        self.expect(status, body)
    }

    pub(super) fn check(&mut self, request: &CheckRequest) -> Result<CheckReply, ClientError> {
        let (status, body) = self.post("/conflicts", request)?;
        self.expect(status, body)
    }

    pub(super) fn release(&mut self, request: &ReleaseRequest) -> Result<Released, ClientError> {
        let (status, body) = self.post("/claims/release", request)?;
        self.expect(status, body)
    }

    pub(super) fn release_session(&mut self, session: &str) -> Result<Released, ClientError> {
        let (status, body) = self.post(&format!("/sessions/{}/release", segment(session)), &Value::Null)?;
        self.expect(status, body)
    }

    pub(super) fn extend(
        &mut self,
        id: &str,
        request: &ExtendRequest,
    ) -> Result<Option<Extended>, ClientError> {
        let (status, body) = self.post(&format!("/claims/{}/extend", segment(id)), request)?;
        if status == 404 { Ok(None) } else { self.expect(status, body).map(Some) }
    }

    pub(super) fn repos(&mut self) -> Result<RepoList, ClientError> {
        let (status, body) = self.get("/repos", &[])?;
        self.expect(status, body)
    }

    pub(super) fn ownership(&mut self) -> Result<Option<String>, ClientError> {
        let (status, body) = self.get("/config/ownership", &[])?;
        match status {
            204 => Ok(None),
            200 => match String::from_utf8(body) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(ClientError::Foreign { url: self.url.clone() }),
            },
            _ => Err(self.unexpected(status, &body)),
        }
    }

    pub(super) fn set_ownership(&mut self, text: &str) -> Result<OwnershipSet, ClientError> {
        let mut request = self.agent.post(format!("{}/config/ownership", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {}", token.expose()));
        }
        let (status, body) = self.read(request.header("Content-Type", "text/yaml").send(text))?;
        self.expect(status, body)
    }

    pub(super) fn hotspots(&mut self, query: &HotspotQuery) -> Result<HotspotList, ClientError> {
        let mut pairs = vec![
            ("days", query.days.to_string()),
            ("min_attempts", query.min_attempts.to_string()),
            ("limit", query.limit.to_string()),
        ];
        pairs.extend(query.repo.clone().map(|repo| ("repo", repo)));
        let (status, body) = self.get("/metrics/hotspots", &pairs)?;
        self.expect(status, body)
    }

    pub(super) fn promote(&mut self, request: &PromoteRequest) -> Result<Promoted, ClientError> {
        let (status, body) = self.post("/metrics/hotspots/promote", request)?;
        self.expect(status, body)
    }

    pub(super) fn outbox_stats(&mut self, hours: u16) -> Result<OutboxStats, ClientError> {
        let (status, body) = self.get("/outbox/stats", &[("hours", hours.to_string())])?;
        self.expect(status, body)
    }

    pub(super) fn outbox(&mut self, limit: u16) -> Result<OutboxList, ClientError> {
        let (status, body) = self.get("/outbox", &[("limit", limit.to_string())])?;
        self.expect(status, body)
    }

    pub(super) fn retry_outbox(&mut self, request: RetryRequest) -> Result<Retried, ClientError> {
        let (status, body) = self.post("/outbox/retry", &request)?;
        self.expect(status, body)
    }

    pub(super) fn purge_outbox(&mut self, request: PurgeRequest) -> Result<Purged, ClientError> {
        let (status, body) = self.post("/outbox/purge", &request)?;
        self.expect(status, body)
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<(u16, Vec<u8>), ClientError> {
        self.get_within(path, query, self.answer)
    }

    pub(super) fn get_within(
        &self,
        path: &str,
        query: &[(&str, String)],
        timeout: Duration,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        self.read(self.prepared(request, query).config().timeout_global(Some(timeout)).build().call())
    }

    /// Opens an answer that goes on and on, once it has begun.
    pub(super) fn open(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Box<dyn Read + Send>, ClientError> {
        let request = self.prepared(self.agent.get(format!("{}{path}", self.url)), query);
        let request = request.header("Accept-Encoding", "gzip");
        let timeout = Some(self.answer);
        let sent = request.config().timeout_global(None).timeout_recv_response(timeout).build().call();
        if sent.as_ref().is_ok_and(|response| response.status().as_u16() != 200) {
            let (status, body) = self.read(sent)?;
            return Err(self.unexpected(status, &body));
        }
        match sent {
            Ok(response) => {
                let coding = response.headers().get("content-encoding");
                let is_compressed =
                    coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"gzip"));
                let body = response.into_body().into_reader();
                Ok(if is_compressed { Box::new(GzDecoder::new(body)) } else { Box::new(body) })
            }
            Err(error) => Err(ClientError::Unreachable { url: self.url.clone(), source: error.into() }),
        }
    }

    /// The address of the dashboard, with a code that lets one browser in within a minute.
    ///
    /// # Errors
    ///
    /// If the service could not be asked.
    pub fn dashboard_url(&self) -> Result<String, ClientError> {
        let (status, body) = self.post("/dashboard/code", &Value::Null)?;
        let reply: Value = self.expect(status, body)?;
        let code = reply["code"].as_str().ok_or_else(|| ClientError::Foreign { url: self.url.clone() })?;
        Ok(format!("{}/dashboard/login?code={}", self.url, segment(code)))
    }

    pub(super) fn delete(&self, path: &str, query: &[(&str, String)]) -> Result<(u16, Vec<u8>), ClientError> {
        let request = self.agent.delete(format!("{}{path}", self.url));
        self.read(self.prepared(request, query).call())
    }

    pub(super) fn post(&self, path: &str, body: &impl Serialize) -> Result<(u16, Vec<u8>), ClientError> {
        self.post_within(path, body, Duration::ZERO)
    }

    fn post_within(
        &self,
        path: &str,
        body: &impl Serialize,
        patience: Duration,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        let request = self.prepared(self.agent.post(format!("{}{path}", self.url)), &[]);
        let request = request.config().timeout_global(Some(patience + self.answer)).build();
        self.read(request.send_json(body))
    }

    fn prepared<B>(&self, mut request: RequestBuilder<B>, query: &[(&str, String)]) -> RequestBuilder<B> {
        for (name, value) in query {
            request = request.query(name, value);
        }
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {}", token.expose())),
            None => request,
        }
    }

    fn read(&self, sent: Result<Response<ureq::Body>, ureq::Error>) -> Result<(u16, Vec<u8>), ClientError> {
        let unreachable =
            |error: ureq::Error| ClientError::Unreachable { url: self.url.clone(), source: error.into() };
        let mut response = sent.map_err(unreachable)?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(unreachable)?;
        Ok((response.status().as_u16(), body))
    }

    pub(super) fn expect<T: DeserializeOwned>(&self, status: u16, body: Vec<u8>) -> Result<T, ClientError> {
        match status {
            200 => self.decode(status, body),
            400 | 422 => Err(ClientError::Malformed(detail(&body))),
            _ => Err(self.unexpected(status, &body)),
        }
    }

    fn decode<T: DeserializeOwned>(&self, status: u16, body: Vec<u8>) -> Result<T, ClientError> {
        serde_json::from_slice(&body).map_err(|_| match status {
            200 => ClientError::Foreign { url: self.url.clone() },
            _ => self.unexpected(status, &body),
        })
    }

    pub(super) fn unexpected(&self, status: u16, body: &[u8]) -> ClientError {
        let (url, detail) = (self.url.clone(), detail(body));
        match status {
            401 | 403 => ClientError::Unauthorised { url, detail },
            413 => ClientError::TooLarge { url, detail },
            422 => ClientError::Malformed(detail),
            429 | 503 => ClientError::Busy { url, detail },
            _ => ClientError::Unexpected { url, status, detail },
        }
    }
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What an error reply says, in at most a few words.
pub(super) fn detail(body: &[u8]) -> String {
    const WORDS: usize = 300;
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = match &value["detail"] {
        Value::String(text) => text.clone(),
        Value::Array(errors) => {
            let said = errors.iter().map(|error| {
                let place: Vec<String> = error["loc"].as_array().into_iter().flatten().map(plain).collect();
                format!("{}: {}", place.join("."), plain(&error["msg"]))
            });
            said.collect::<Vec<_>>().join("; ")
        }
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let printable = text.chars().filter(|c| !c.is_control()).take(WORDS).collect::<String>();
    if printable.is_empty() { "it gave no reason".into() } else { printable }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
