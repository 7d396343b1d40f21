use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::*;

/// What a service is to do with one `POST /claims`.
enum Act {
    /// Answer so, after a while.
    Answer(u64, u16, &'static str),
    /// Hang up.
    HangUp,
}

const IN_VAIN: &str = r#"{"claim_ids": [], "conflicts": [], "warnings": [], "options": [], "queue_id": "q"}"#;
const GRANTED: &str = r#"{"claim_ids": ["c"], "conflicts": [], "warnings": [], "options": []}"#;

/// A service that does as it is told, one after the other, and hands over what it was asked. Somebody always waits there.
fn service(acts: Vec<Act>) -> (Remote, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut remote = Remote::new(&format!("http://{}", listener.local_addr().unwrap()), None);
    remote.round = Duration::from_secs(1);
    let (sender, asked) = channel();
    let acts = Arc::new(std::sync::Mutex::new(acts.into_iter()));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (sender, acts) = (sender.clone(), acts.clone());
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                while reader.read_line(&mut head).unwrap() > 2 {
                    let line = head.lines().last().unwrap().to_ascii_lowercase();
                    if let Some(number) = line.strip_prefix("content-length: ") {
                        length = number.parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let act = if head.starts_with("GET") {
                    Act::Answer(0, 200, place())
                } else {
                    sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
                    acts.lock().unwrap().next().unwrap()
                };
                if let Act::Answer(after, status, text) = act {
                    std::thread::sleep(Duration::from_millis(after));
                    let head = format!(
                        "HTTP/1.1 {status} So\r\nConnection: close\r\nContent-Length: {}",
                        text.len()
                    );
                    let _ = write!(stream, "{head}\r\n\r\n{text}");
                }
            });
        }
    });
    (remote, asked)
}

fn place() -> &'static str {
    r#"{"count": 1, "requests": [], "queued": [{"kind": "queued", "queue_id": "q", "blocking_claim_id": "c",
        "blocking_engineer": "ada", "blocking_pattern": "a", "requester_engineer": "bob", "requester_pattern": "a",
        "claim_type": "file", "symbols": null, "position": 1, "state": "waiting", "enqueued_at": "", "expires_at": "",
        "granted_claim_id": null, "urgency": "normal", "repo": null, "patterns": ["a"], "blocking_expires_at": null}]}"#
}

/// Waits for so many seconds, and returns what came of it and what was told.
fn wait(remote: &Remote, secs: u64) -> (Result<ClaimReply, ClientError>, Vec<&'static str>) {
    let mut told = Vec::new();
    let mut tell = |waiting: Waiting<'_>| {
        let word = if matches!(waiting, Waiting::Away) { "away" } else { "in line" };
        if told.last() != Some(&word) {
            told.push(word);
        }
    };
    let reply = remote.claim_or_wait(&ClaimRequest::default(), Duration::from_secs(secs), &mut tell);
    (reply, told)
}

#[test]
fn a_long_wait_is_one_of_several_rounds_at_one_place() {
    let (remote, asked) = service(vec![
        Act::Answer(1001, 409, IN_VAIN),
        Act::Answer(200, 503, r#"{"detail": "restarting"}"#),
        Act::HangUp,
        Act::Answer(200, 200, GRANTED),
    ]);
    let (reply, told) = wait(&remote, 60);
    assert_eq!(reply.unwrap().claim_ids, ["c"]);
    assert_eq!(told, ["in line", "away", "in line"]);
    let asked: Vec<Value> = asked.try_iter().collect();
    assert_eq!(asked.len(), 4);
    assert!(
        asked.iter().all(|round| round["queue_id"] == asked[0]["queue_id"] && round["wait_seconds"] == 1)
    );
    assert!(asked[0]["queue_id"].as_str().unwrap().parse::<QueueId>().is_ok());
}

#[test]
fn a_wait_ends_when_its_time_is_up() {
    let (remote, asked) = service(vec![Act::Answer(1001, 409, IN_VAIN), Act::Answer(1001, 409, IN_VAIN)]);
    assert_eq!(wait(&remote, 2).0.unwrap().queue_id.as_deref(), Some("q"));
    assert_eq!(asked.try_iter().count(), 2);
}

#[test]
fn what_ended_before_its_time_is_not_begun_again() {
    let (remote, asked) = service(vec![Act::Answer(300, 409, IN_VAIN)]);
    assert!(wait(&remote, 60).0.unwrap().claim_ids.is_empty());
    assert_eq!(asked.try_iter().count(), 1);
}

#[test]
fn who_was_never_in_line_is_told_at_once() {
    let (remote, asked) = service(vec![Act::HangUp]);
    assert!(matches!(wait(&remote, 60).0, Err(ClientError::Unreachable { .. })));
    assert_eq!(asked.try_iter().count(), 1);
    let gone = Remote::new("http://127.0.0.1:1", None);
    assert!(matches!(wait(&gone, 60).0, Err(ClientError::Unreachable { .. })));
}

#[test]
fn a_service_that_stays_away_is_given_up() {
    let mut absence = Absence { began: Some(Instant::now() - PLACE_KEPT) };
    let until = Instant::now() + Duration::from_secs(600);
    let busy = || ClientError::Busy { url: String::new(), detail: String::new() };
    assert!(absence.bear(busy(), until, &mut |_| {}).is_err());
    absence.over();
    assert!(absence.bear(busy(), until, &mut |_| {}).is_ok());
    assert!(absence.bear(busy(), Instant::now(), &mut |_| {}).is_err(), "its time is up");
    assert!(absence.bear(ClientError::Malformed(String::new()), until, &mut |_| {}).is_err());
}
