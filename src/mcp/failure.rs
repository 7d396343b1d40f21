//! What a tool answers: the reply of the coordinator as JSON, or why there is none, with what to do about it.

use std::error::Error;

use rmcp::model::CallToolResult;
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::ClientError;
use crate::server::ConfigError;
use crate::setup::PLACEHOLDER_URL;
use crate::wire::ClaimReply;
use crate::workspace::WorkspaceError;

/// Why a tool has no reply to give.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Something is wrong with where it runs, or with an argument that names a file.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A variable of the clone's own coordinator makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The coordinator refused, or did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no repository whose claims these could be.
    #[error("{directory} is not inside a git work tree, and nothing says which repository is meant")]
    Nowhere {
        /// Where the server runs.
        directory: String,
    },
    /// An argument makes no sense.
    #[error("{0}")]
    Argument(String),
    /// The call did not come to its end.
    #[error("this is a mistake in coord, not in what you asked")]
    Mistake,
    /// A reply cannot be written as JSON.
    #[error("the reply cannot be written down")]
    Reply(#[from] serde_json::Error),
}

impl Failure {
    /// The HTTP status that says the same, if one does.
    fn status(&self) -> Option<u16> {
        match self {
            Failure::Client(
                ClientError::Declined { status, .. } | ClientError::Unexpected { status, .. },
            ) => Some(*status),
            Failure::Client(ClientError::Malformed(_) | ClientError::Refused { .. }) => Some(400),
            Failure::Client(ClientError::Unauthorised { .. }) => Some(401),
            Failure::Client(ClientError::TooLarge { .. }) => Some(413),
            Failure::Client(ClientError::Busy { .. }) => Some(503),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Failure::Workspace(error) => error.hint(),
            // The address of committed files: nobody has said in this clone where the service is.
            Failure::Client(ClientError::Unreachable { url, .. }) if url == PLACEHOLDER_URL => Some(
                "start it with `coord start --background`, or say where it is: `coord init --service-url URL`".into(),
            ),
            Failure::Client(error) => error.hint(),
            Failure::Nowhere { .. } => Some(
                "start the server inside a clone, make one here with `git init`, or set COORD_REPO_ID and COORD_API_URL"
                    .into(),
            ),
            Failure::Config(_) => Some("correct the variable, or unset it for its default".into()),
            Failure::Mistake => Some("please report it, with what the server wrote to stderr".into()),
            Failure::Argument(_) | Failure::Reply(_) => None,
        }
    }

    /// As JSON: `detail` as the service has it, `hint` and `status` where there are any.
    pub(super) fn to_json(&self) -> Value {
        let mut detail = self.to_string();
        let mut cause = self.source();
        while let Some(because) = cause {
            let text = because.to_string();
            if !detail.ends_with(&text) {
                detail = format!("{detail}: {text}");
            }
            cause = because.source();
        }
        let mut told = json!({ "detail": detail });
        if let Some(hint) = self.hint() {
            told["hint"] = hint.into();
        }
        if let Some(status) = self.status() {
            told["status"] = status.into();
        }
        told
    }
}

/// A reply as JSON.
pub(super) fn reply(reply: &impl Serialize) -> Result<Value, Failure> {
    Ok(serde_json::to_value(reply)?)
}

/// What a claim came to: a refusal of status 400 is a reply like any other, as in 0.27.
pub(super) fn claimed(answer: Result<ClaimReply, ClientError>) -> Result<Value, Failure> {
    let refused = |what: String, options: &[&str]| {
        let options = options.iter().map(ToString::to_string).collect();
        reply(&ClaimReply { warnings: vec![what], options, ..ClaimReply::default() })
    };
    match answer {
        Ok(answer) => reply(&answer),
        Err(ClientError::Malformed(what)) => refused(what, &["narrow_claim"]),
        Err(ClientError::Refused { what }) => refused(what, &["narrow_claim", "escalate"]),
        Err(error) => Err(error.into()),
    }
}

/// A request that cannot be, as things stand: the words of the service are a reply, as in 0.27.
pub(super) fn unless_declined<T: Serialize>(answer: Result<T, ClientError>) -> Result<Value, Failure> {
    match answer {
        Ok(answer) => reply(&answer),
        Err(ClientError::Declined { what, .. }) => Ok(json!({ "detail": what })),
        Err(error) => Err(error.into()),
    }
}

/// What the client of the server gets to see.
pub(super) fn result(answer: Result<Value, Failure>) -> CallToolResult {
    match answer {
        Ok(reply) => CallToolResult::structured(reply),
        Err(failure) => CallToolResult::structured_error(failure.to_json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_to_do() {
        let failure =
            Failure::from(ClientError::Declined { status: 404, what: "unknown claim_id 'x'".into() });
        assert_eq!(failure.to_json(), json!({"detail": "unknown claim_id 'x'", "status": 404}));
        let away = |url: &str| {
            let error = ClientError::Unreachable { url: url.into(), source: "refused".into() };
            Failure::from(error).to_json()["hint"].as_str().unwrap().to_owned()
        };
        assert!(away("http://127.0.0.1:8080").contains("`coord init --service-url URL`"));
        assert!(away("https://coord.example").contains("COORD_API_URL"));
        let failure = Failure::Nowhere { directory: "/tmp".into() };
        assert!(failure.to_json()["hint"].as_str().unwrap().contains("COORD_REPO_ID"));
    }

    #[test]
    fn a_refused_claim_is_a_reply() {
        let refused = claimed(Err(ClientError::Refused { what: "too broad".into() })).unwrap();
        assert_eq!(refused["claim_ids"], json!([]));
        assert_eq!(
            (&refused["warnings"], &refused["options"][1]),
            (&json!(["too broad"]), &json!("escalate"))
        );
        assert!(claimed(Err(ClientError::Busy { url: "u".into(), detail: "d".into() })).is_err());
    }
}
