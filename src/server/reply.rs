//! Replies, and the one place that turns errors into statuses.

use std::borrow::Cow;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::input::Invalid;
use super::ownership::AmendError;
use crate::coordinator::{CoordinatorError, Ticket};
use crate::wire::Detail;

/// A reply before it has a request id.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    /// More headers, of which most replies have none.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What comes instead of the body, as it comes.
    frames: Option<mpsc::Receiver<Bytes>>,
    /// The place in the queue that this tells of.
    ticket: Option<Box<Ticket>>,
    /// How long it waited for other people.
    pub(super) waited: Duration,
}

/// The body of a reply. If it tells of a grant that was waited for, the grant is undone unless somebody takes it.
pub(super) struct ReplyBody {
    bytes: Full<Bytes>,
    frames: Option<mpsc::Receiver<Bytes>>,
    ticket: Option<Box<Ticket>>,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(frames) = &mut self.frames {
            return frames.poll_recv(context).map(|bytes| Some(Ok(Frame::data(bytes?))));
        }
        let frame = Pin::new(&mut self.bytes).poll_frame(context);
        if let Some(mut ticket) = self.ticket.take_if(|_| frame.is_ready()) {
            ticket.delivered();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_none() && self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.frames.is_some() { SizeHint::default() } else { self.bytes.size_hint() }
    }
}

impl Reply {
    /// A value as JSON.
    pub(super) fn json(status: u16, value: &impl Serialize) -> Reply {
        let body = serde_json::to_vec(value).expect("replies have only text keys").into();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply {
            status,
            content_type: "application/json",
            body,
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// A JSON text that has been written before.
    pub(super) fn json_text(text: &'static str) -> Reply {
        Reply { content_type: "application/json", ..Reply::text(text) }
    }

    /// A text.
    pub(super) fn text(text: &'static str) -> Reply {
        let body = Bytes::from_static(text.as_bytes());
        Reply {
            status: StatusCode::OK,
            content_type: "text/plain; charset=utf-8",
            body,
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// Rules, as they were written.
    pub(super) fn yaml(text: &str) -> Reply {
        Reply {
            status: StatusCode::OK,
            content_type: "text/yaml; charset=utf-8",
            body: Bytes::copy_from_slice(text.as_bytes()),
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// There is nothing to tell.
    pub(super) fn nothing() -> Reply {
        Reply {
            status: StatusCode::NO_CONTENT,
            content_type: "",
            body: Bytes::new(),
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// Metrics, in version 0.0.4 of the text format of Prometheus.
    pub(super) fn metrics(text: String) -> Reply {
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        Reply {
            status: StatusCode::OK,
            content_type,
            body: text.into(),
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// A page, or a part of one.
    pub(super) fn page(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply {
            status,
            content_type,
            body: body.into(),
            headers: Vec::new(),
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// A stream of events, as they come.
    pub(super) fn events(frames: mpsc::Receiver<Bytes>, is_gzip: bool) -> Reply {
        let mut reply = Reply::page(200, "text/event-stream", Bytes::new());
        reply.frames = Some(frames);
        if is_gzip {
            reply = reply.with(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        reply
            .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))
    }

    /// Go there, with a GET.
    pub(super) fn see_other(to: &'static str) -> Reply {
        Reply::page(303, "", Bytes::new()).with(LOCATION, HeaderValue::from_static(to))
    }

    /// An error in words.
    pub(super) fn detail(status: u16, detail: impl Into<Cow<'static, str>>) -> Reply {
        Reply::json(status, &Detail { detail: detail.into().into_owned() })
    }

    /// It cannot be done now, but may be in a moment.
    pub(super) fn later(status: u16, detail: impl Into<Cow<'static, str>>) -> Reply {
        Reply::detail(status, detail).with(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// The same reply, after a wait for other people.
    pub(super) fn after(mut self, waited: Duration) -> Reply {
        self.waited = waited;
        self
    }

    /// The same reply, which tells of the end of a wait.
    pub(super) fn to(mut self, ticket: Ticket) -> Reply {
        self.ticket = Some(Box::new(ticket));
        self
    }

    /// The method is not among those that the path takes.
    pub(super) fn not_allowed(allowed: &'static str) -> Reply {
        Reply::detail(405, "Method Not Allowed").with(ALLOW, HeaderValue::from_static(allowed))
    }

    /// The body is larger than anybody's needs. The connection ends, because the rest of it is not read.
    pub(super) fn too_large(most: u64) -> Reply {
        Reply::detail(413, format!("The body is larger than {most} bytes; send the work in several requests"))
            .with(CONNECTION, HeaderValue::from_static("close"))
    }

    /// The body did not come in time.
    pub(super) fn too_slow() -> Reply {
        Reply::detail(408, "The body did not arrive in time")
            .with(CONNECTION, HeaderValue::from_static("close"))
    }

    /// The path is known without the slash at its end.
    pub(super) fn redirect(to: &str) -> Reply {
        let Ok(location) = HeaderValue::from_str(to) else { return Reply::detail(404, "Not Found") };
        let status = StatusCode::TEMPORARY_REDIRECT;
        Reply {
            status,
            content_type: "",
            body: Bytes::new(),
            headers: vec![(LOCATION, location)],
            frames: None,
            ticket: None,
            waited: Duration::ZERO,
        }
    }

    /// The same reply with one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Reply {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody {
            bytes: Full::new(self.body),
            frames: self.frames,
            ticket: self.ticket,
        });
        *response.status_mut() = self.status;
        if !self.content_type.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Invalid> for Reply {
    fn from(error: Invalid) -> Reply {
        Reply::json(error.status(), &error)
    }
}

impl From<CoordinatorError> for Reply {
    fn from(error: CoordinatorError) -> Reply {
        let status = match &error {
            CoordinatorError::Overloaded => 429,
            CoordinatorError::Store(_) | CoordinatorError::Stopped => 503,
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Reply::later(status, format!("{error}{cause}"))
    }
}

impl From<AmendError> for Reply {
    fn from(error: AmendError) -> Reply {
        match error {
            AmendError::Rules(error) => Reply::detail(400, error.to_string()),
            AmendError::Coordinator(error) => error.into(),
            AmendError::Contended => Reply::later(503, error.to_string()),
        }
    }
}
