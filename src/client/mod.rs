//! The claim operations as commands use them: on a remote service, or on the clone's own database, alike.

mod delta;
mod embedded;
mod log;
mod remote;
mod requests;
mod rules;
mod waiting;

pub use delta::DeltaError;
pub use embedded::Embedded;
pub use log::{Events, Told};
pub use remote::Remote;
pub use waiting::{Tell, Waiting};

use crate::store::StoreError;
use crate::wire::{
    CheckReply, CheckRequest, ClaimList, ClaimReply, ClaimRequest, ExtendRequest, Extended, HotspotList,
    HotspotQuery, ListQuery, OutboxList, OutboxStats, OwnershipSet, PromoteRequest, Promoted, PurgeRequest,
    Purged, ReleaseRequest, Released, RepoList, Retried, RetryRequest,
};

/// A way to the coordinator.
pub enum Client {
    /// A service.
    Remote(Remote),
    /// The clone's own database.
    Embedded(Box<Embedded>),
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The service does not answer.
    #[error("no coordination service answers at {url}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The service does not take the token.
    #[error("the service at {url} does not accept the token: {detail}")]
    Unauthorised {
        /// Where it is.
        url: String,
        /// What it said.
        detail: String,
    },
    /// Something else answers there.
    #[error("what answers at {url} is no coordination service, or none that this coord knows")]
    Foreign {
        /// Where it is.
        url: String,
    },
    /// The service answers with a status that was not to be expected.
    #[error("the service at {url} answered with status {status}: {detail}")]
    Unexpected {
        /// Where it is.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// Too much was asked for at once.
    #[error("this is too much at once for the service at {url}: {detail}")]
    TooLarge {
        /// Where it is.
        url: String,
        /// What it said.
        detail: String,
    },
    /// The service answers, and cannot do it now.
    #[error("the service at {url} is busy or cannot write: {detail}")]
    Busy {
        /// Where it is.
        url: String,
        /// What it said.
        detail: String,
    },
    /// Something is wrong with what was asked.
    #[error("{0}")]
    Malformed(String),
    /// What was asked is refused for good, whoever holds what.
    #[error("{what}")]
    Refused {
        /// Why.
        what: String,
    },
    /// What was asked cannot be, as things stand.
    #[error("{what}")]
    Declined {
        /// The HTTP status that says so.
        status: u16,
        /// Why.
        what: String,
    },
    /// The clone's own database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClientError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            ClientError::Unreachable { .. } => {
                "start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env"
            }
            ClientError::Unauthorised { .. } => {
                "set COORD_AUTH_TOKEN to the service's token, or correct it in .coordination/local.env"
            }
            ClientError::Foreign { .. } => "correct COORD_API_URL or .coordination/local.env",
            ClientError::Unexpected { .. } => "see `coord status`; the service's log says more",
            ClientError::TooLarge { .. } => "ask for less at once",
            ClientError::Busy { .. } => "try again; if it stays so, the service's log says more",
            ClientError::Refused { .. } => "narrow the claim",
            ClientError::Malformed(_) | ClientError::Declined { .. } | ClientError::Store(_) => return None,
        };
        Some(hint.into())
    }

    /// Whether it may work in a moment without anybody's doing: the service restarts, the database is busy.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } | ClientError::Busy { .. } => true,
            // Whatever stands between us and the service waits for it, too.
            ClientError::Unexpected { status, .. } => (502..=504).contains(status),
            ClientError::Store(error) => matches!(error, StoreError::Busy(_)),
            _ => false,
        }
    }
}

/// Calls the same method on whichever way it is.
macro_rules! either {
    ($client:expr, $way:ident => $call:expr) => {
        match $client {
            Client::Remote($way) => $call,
            Client::Embedded($way) => $call,
        }
    };
}
use either;

impl Client {
    /// Asks for claims. A refusal is a reply with conflicts and without claims.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or makes no sense.
    pub fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimReply, ClientError> {
        either!(self, way => way.claim(request))
    }

    /// Lists claims.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn claims(&mut self, query: &ListQuery) -> Result<ClaimList, ClientError> {
        either!(self, way => way.claims(query))
    }

    /// Checks what stands in the way.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or makes no sense.
    pub fn check(&mut self, request: &CheckRequest) -> Result<CheckReply, ClientError> {
        either!(self, way => way.check(request))
    }

    /// Lets go of claims.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn release(&mut self, request: &ReleaseRequest) -> Result<Released, ClientError> {
        either!(self, way => way.release(request))
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn release_session(&mut self, session: &str) -> Result<Released, ClientError> {
        either!(self, way => way.release_session(session))
    }

    /// Extends a claim; `None` if there is none of that id that the engineer holds.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn extend(&mut self, id: &str, request: &ExtendRequest) -> Result<Option<Extended>, ClientError> {
        either!(self, way => way.extend(id, request))
    }

    /// Lists the repositories that have been claimed in.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn repos(&mut self) -> Result<RepoList, ClientError> {
        either!(self, way => way.repos())
    }

    /// The text of the ownership rules; `None` if there are none.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn ownership(&mut self) -> Result<Option<String>, ClientError> {
        either!(self, way => way.ownership())
    }

    /// Sets the ownership rules.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or they make no sense.
    pub fn set_ownership(&mut self, text: &str) -> Result<OwnershipSet, ClientError> {
        either!(self, way => way.set_ownership(text))
    }

    /// Lists what people were turned away from most.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn hotspots(&mut self, query: &HotspotQuery) -> Result<HotspotList, ClientError> {
        either!(self, way => way.hotspots(query))
    }

    /// Writes down in the rules what is to be done about a hotspot.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or cannot be written down.
    pub fn promote(&mut self, request: &PromoteRequest) -> Result<Promoted, ClientError> {
        either!(self, way => way.promote(request))
    }

    /// Counts the webhooks of the last hours by type of event and what became of them.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn outbox_stats(&mut self, hours: u16) -> Result<OutboxStats, ClientError> {
        either!(self, way => way.outbox_stats(hours))
    }

    /// Lists the newest webhooks.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn outbox(&mut self, limit: u16) -> Result<OutboxList, ClientError> {
        either!(self, way => way.outbox(limit))
    }

    /// Has webhooks that were not taken sent again.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn retry_outbox(&mut self, request: RetryRequest) -> Result<Retried, ClientError> {
        either!(self, way => way.retry_outbox(request))
    }

    /// Forgets webhooks.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn purge_outbox(&mut self, request: PurgeRequest) -> Result<Purged, ClientError> {
        either!(self, way => way.purge_outbox(request))
    }
}

/// A reply of status 400, as an error.
fn malformed(reply: &ClaimReply) -> ClientError {
    let what = reply.warnings.join("; ");
    // Too much at once can be asked for again in smaller parts; a bad pattern is a mistake.
    if reply.options.iter().any(|option| option == "escalate") {
        ClientError::Refused { what }
    } else {
        ClientError::Malformed(what)
    }
}
