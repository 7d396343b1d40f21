//! A receiver of webhooks on a port of its own, which answers as it is told and remembers what came.

#![allow(dead_code, reason = "not every test that has it needs all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anything that is to come may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with a status and a text.
    Status(u16, &'static str),
    /// Says where else to go.
    Redirect(String),
    /// Says nothing for as long as the receiver lives.
    Nothing,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Post {
    /// The value of a header, named in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A receiver that ends with the test.
pub(crate) struct Receiver {
    address: SocketAddr,
    inbox: Arc<Inbox>,
}

struct Inbox {
    replies: Vec<Reply>,
    posts: Mutex<Vec<Post>>,
    arrived: Condvar,
}

impl Receiver {
    /// A receiver that answers one request after the other with these, the last of them for ever.
    pub(crate) fn new(replies: &[Reply]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inbox =
            Arc::new(Inbox { replies: replies.to_vec(), posts: Mutex::default(), arrived: Condvar::new() });
        let ours = inbox.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let inbox = ours.clone();
                std::thread::spawn(move || inbox.converse(stream));
            }
        });
        Receiver { address, inbox }
    }

    /// A receiver that takes everything.
    pub(crate) fn willing() -> Receiver {
        Receiver::new(&[Reply::Status(200, "ok")])
    }

    /// Where it listens, with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has come by now.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.inbox.posts.lock().unwrap().clone()
    }

    /// Waits until so many requests have come, and returns all.
    #[track_caller]
    pub(crate) fn wait(&self, count: usize) -> Vec<Post> {
        let posts = self.inbox.posts.lock().unwrap();
        let too_few = |posts: &mut Vec<Post>| posts.len() < count;
        let (posts, _) = self.inbox.arrived.wait_timeout_while(posts, DEADLINE, too_few).unwrap();
        assert!(posts.len() >= count, "only {} of {count} came: {posts:#?}", posts.len());
        posts.clone()
    }
}

impl Inbox {
    /// Reads one request and answers it. A sender that is gone is no matter of ours.
    fn converse(&self, stream: TcpStream) {
        let Some(post) = read(&mut BufReader::new(&stream)) else { return };
        let reply = {
            let mut posts = self.posts.lock().unwrap();
            let reply = self.replies[posts.len().min(self.replies.len() - 1)].clone();
            posts.push(post);
            self.arrived.notify_all();
            reply
        };
        let _ = match reply {
            Reply::Status(status, text) => write!(
                &stream,
                "HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            ),
            Reply::Redirect(to) => write!(
                &stream,
                "HTTP/1.1 307 There\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            ),
            // Until the sender has had enough of it.
            Reply::Nothing => (&stream).read(&mut [0]).map(drop),
        };
    }
}

fn read(stream: &mut impl BufRead) -> Option<Post> {
    let mut line = || -> Option<String> {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().into())
    };
    let first = line()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut post = Post { line: first, headers, body: String::new() };
    let length: usize = post.header("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    post.body = String::from_utf8(body).ok()?;
    Some(post)
}
