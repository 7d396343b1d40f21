//! `/events` and `/history`: what is told, from where on, to whom, and what becomes of who does not listen.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Server, TOKEN, claim};

/// A stream that is being read.
struct Follower {
    reader: BufReader<TcpStream>,
}

/// One event: its id, its name and its data.
type Event = (u64, String, Value);

impl Follower {
    #[track_caller]
    fn open(server: &Server, target: &str, headers: &[(&str, &str)]) -> Follower {
        let mut connection = server.connect();
        connection.send(server.request("GET", target, None, headers));
        let mut reader = BufReader::new(connection.stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        // The first words say that everything from now on is told.
        let mut line = String::new();
        while !line.starts_with("retry: ") {
            line.clear();
            assert!(reader.read_line(&mut line).unwrap() > 0);
        }
        Follower { reader }
    }

    #[track_caller]
    fn next(&mut self) -> Event {
        let (mut id, mut kind, mut data) = (0, String::new(), None);
        loop {
            let mut line = String::new();
            assert!(self.reader.read_line(&mut line).unwrap() > 0, "the stream ended");
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = text.parse().unwrap(),
                Some(("event", text)) => kind = text.into(),
                Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                _ => {
                    if let Some(data) = data.take_if(|_| line.trim_end().is_empty()) {
                        return (id, kind, data);
                    }
                }
            }
        }
    }

    #[track_caller]
    fn ids(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next().0).collect()
    }
}

#[test]
fn a_change_is_told_with_its_revision_and_public_ids() {
    let server = Server::start();
    let mut follower = Follower::open(&server, "/events", &[]);
    let id = server.claim("ada", &["src/a.ts"]).ids().remove(0);
    let (revision, kind, data) = follower.next();
    assert_eq!((revision, kind.as_str()), (1, "claim_granted"));
    assert_eq!(
        (&data["revision"], &data["type"], &data["repo"]),
        (&json!(1), &json!("claim_granted"), &json!("o/r"))
    );
    assert_eq!(
        (&data["claim_id"], &data["engineer"], &data["pattern"]),
        (&json!(id), &json!("ada"), &json!("src/a.ts"))
    );
    assert_eq!(server.claim("bob", &["src/*.ts"]).code(), 409);
    let (_, kind, data) = follower.next();
    assert_eq!(
        (kind.as_str(), &data["engineer"], &data["pattern"]),
        ("claim_refused", &json!("bob"), &json!("src/*.ts"))
    );
    assert_eq!(data["holders"], json!([{"claim_id": id, "engineer": "ada", "pattern": "src/a.ts"}]));
    server.call("DELETE", &format!("/claims/{id}?engineer=ada"), None);
    let (_, kind, data) = follower.next();
    assert_eq!(
        (kind.as_str(), &data["claim_id"], &data["engineer"]),
        ("claim_released", &json!(id), &json!("ada"))
    );
    assert_eq!((&data["release_kind"], &data["by"]), (&json!("voluntary"), &json!("ada")));
    assert_eq!(server.raw(&format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address)).code(), 401);
    assert_eq!(server.call("GET", "/events?since=soon", None).code(), 422);
}

#[test]
fn who_comes_back_misses_nothing_and_hears_nothing_twice() {
    let server = Server::start();
    for number in 0..5 {
        server.claim("ada", &[&format!("{number}.ts")]).ids();
    }
    let mut follower = Follower::open(&server, "/events?since=2", &[]);
    assert_eq!(follower.ids(3), [3, 4, 5]);
    // What a browser heard last goes before where it began.
    let mut again = Follower::open(&server, "/events?since=2", &[("Last-Event-ID", "4")]);
    assert_eq!(again.ids(1), [5]);
    let many: Vec<String> = (0..700).map(|number| format!("many/{number}.ts")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    server.claim("bob", &many).ids();
    let expected: Vec<u64> = (6..=705).collect();
    assert_eq!(follower.ids(700), expected);
    assert_eq!(again.ids(700), expected);
    let mut late = Follower::open(&server, "/events?since=0", &[]);
    assert_eq!(late.ids(705), (1..=705).collect::<Vec<_>>());
}

#[test]
fn readers_that_come_and_go_while_much_happens_miss_nothing() {
    const CLAIMS: u64 = 600;
    let server = Server::start();
    std::thread::scope(|scope| {
        for visits in [1, 3, 20] {
            let server = &server;
            scope.spawn(move || {
                let mut known = 0;
                while known < CLAIMS {
                    let mut follower = Follower::open(server, &format!("/events?since={known}"), &[]);
                    for _ in 0..(CLAIMS / visits).min(CLAIMS - known) {
                        known += 1;
                        assert_eq!(follower.next().0, known);
                    }
                }
            });
        }
        for number in 0..CLAIMS {
            server.claim("ada", &[&format!("src/{number}.ts")]).ids();
        }
    });
    streams_become(&server, 0);
}

#[test]
fn what_is_no_longer_known_is_told_as_it_stands() {
    let directory = TempDir::with_prefix("coord-events-").unwrap();
    let database = directory.path().join("coord.db");
    let server = Server::at(&database);
    let gone = server.claim("ada", &["a.ts"]).ids().remove(0);
    server.call("DELETE", &format!("/claims/{gone}"), None);
    let kept = server.claim("ada", &["b.ts"]).ids().remove(0);
    server.claim("ada", &["c.ts"]).ids();
    assert_eq!(server.claim("bob", &["c.ts"]).code(), 409);
    drop(server);
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute("DELETE FROM changes WHERE revision < 4", []).unwrap();
    drop(connection);
    let server = Server::at(&database);
    for known in ["0", "2", "99"] {
        let mut follower = Follower::open(&server, &format!("/events?since={known}"), &[]);
        let (revision, kind, data) = follower.next();
        assert_eq!((revision, kind.as_str()), (data["revision"].as_u64().unwrap(), "snapshot"), "{known}");
        let patterns: Vec<&Value> =
            data["claims"].as_array().unwrap().iter().map(|claim| &claim["pattern"]).collect();
        assert!(patterns.contains(&&json!("b.ts")) && !patterns.contains(&&json!("a.ts")), "{patterns:?}");
        server.claim("cyd", &[&format!("{known}.md")]).ids();
        assert_eq!(follower.next().0, revision + 1);
    }
    // The record before the oldest is not needed by who has it.
    let mut follower = Follower::open(&server, "/events?since=3", &[]);
    assert_eq!(follower.next().0, 4);
    // What a number stood for is known although its record is gone.
    server.call("DELETE", &format!("/claims/{kept}"), None);
    let mut follower = Follower::open(&server, "/events?since=4&type=claim_released", &[]);
    assert_eq!(follower.next().2["claim_id"], json!(kept));
}

#[test]
fn filters() {
    let server = Server::start();
    let elsewhere =
        json!({"engineer": "cyd", "repo": "o/other", "claims": [{"type": "file", "pattern": "a.ts"}]});
    server.claim("ada", &["a.ts"]).ids();
    server.call("POST", "/claims", Some(&elsewhere)).ids();
    assert_eq!(server.claim("bob", &["a.ts"]).code(), 409);
    server.claim("bob", &["b.ts"]).ids();
    for (filter, expected) in [
        ("repo=o/other", &[2][..]),
        ("repo=o/r", &[1, 3, 4]),
        ("engineer=bob", &[3, 4]),
        ("engineer=ada", &[1, 3]),
        ("type=claim_refused", &[3]),
        ("type=claim_refused&type=claim_granted", &[1, 2, 3, 4]),
        ("type=claim_refused,claim_granted&repo=o/r&engineer=bob", &[3, 4]),
    ] {
        let mut follower = Follower::open(&server, &format!("/events?since=0&{filter}"), &[]);
        assert_eq!(follower.ids(expected.len()), expected, "{filter}");
    }
}

#[test]
fn what_another_process_writes_is_told_too() {
    let directory = TempDir::with_prefix("coord-events-").unwrap();
    let database = directory.path().join("coord.db");
    let (here, there) = (Server::at(&database), Server::at(&database));
    let mut follower = Follower::open(&here, "/events", &[]);
    let id = there.claim("ada", &["a.ts"]).ids().remove(0);
    assert_eq!(follower.next().2["claim_id"], json!(id));
    here.claim("bob", &["b.ts"]).ids();
    there.claim("cyd", &["c.ts"]).ids();
    assert_eq!(follower.ids(2), [2, 3]);
}

fn streams(server: &Server) -> u64 {
    let text = server.call("GET", "/metrics", None).body;
    let line = text.lines().find_map(|line| line.strip_prefix("event_streams "));
    line.unwrap().parse().unwrap()
}

#[track_caller]
fn streams_become(server: &Server, wanted: u64) {
    let patience = Instant::now() + Duration::from_secs(60);
    while streams(server) != wanted {
        assert!(Instant::now() < patience, "there are {}", streams(server));
        std::thread::yield_now();
    }
}

#[test]
fn who_does_not_read_is_cut_off_and_slows_nobody() {
    let server = Server::start();
    let mut sleeper = Follower::open(&server, "/events", &[]);
    let mut reader = Follower::open(&server, "/events?type=nothing", &[]);
    assert_eq!(streams(&server), 2);
    let description = "x".repeat(4000);
    for round in 0..20 {
        let patterns: Vec<String> = (0..500).map(|number| format!("{round}/{number}.ts")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let mut body = claim("ada", &patterns);
        body["description"] = json!(description);
        server.call("POST", "/claims", Some(&body)).ids();
    }
    streams_become(&server, 1);
    // What was on its way comes; then the connection is over, without an orderly end.
    let mut rest = Vec::new();
    let ended = sleeper.reader.read_to_end(&mut rest);
    assert!(ended.is_err() || !rest.ends_with(b"0\r\n\r\n"));
    drop(sleeper);
    reader.reader.get_mut().shutdown(std::net::Shutdown::Both).unwrap();
    streams_become(&server, 0);
}

#[test]
fn there_is_a_bound_to_the_streams() {
    const MOST: u64 = 1024;
    let server = Server::start();
    let mut open: Vec<Follower> = (0..MOST).map(|_| Follower::open(&server, "/events", &[])).collect();
    assert_eq!(streams(&server), MOST);
    let refused = server.call("GET", "/events", None);
    assert_eq!((refused.code(), refused.header("retry-after")), (503, Some("1")));
    assert!(refused.detail().contains("Too many streams"), "{refused:?}");
    // Whoever is there is told all the same, and a place that is left is free.
    server.claim("ada", &["a.ts"]).ids();
    assert!(open.iter_mut().all(|follower| follower.next().0 == 1));
    open.pop();
    streams_become(&server, MOST - 1);
    Follower::open(&server, "/events", &[]);
}

#[test]
fn a_stream_ends_with_the_service() {
    let mut server = Server::start();
    let mut follower = Follower::open(&server, "/events", &[]);
    server.claim("ada", &["a.ts"]).ids();
    server.ask_to_end();
    assert_eq!(follower.next().0, 1);
    let mut rest = String::new();
    follower.reader.read_to_string(&mut rest).unwrap();
    server.join();
}

#[test]
fn a_stream_is_compressed_for_who_takes_that() {
    let mut server = Server::start();
    let open = |target: &str, accepted: &str| {
        let request = ureq::get(format!("http://{}{target}", server.address));
        let request = request.header("authorization", format!("Bearer {TOKEN}"));
        let reply = request.header("accept-encoding", accepted).call().unwrap();
        let is_gzip = reply.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
        (is_gzip, reply.into_body().into_reader())
    };
    let (is_gzip, body) = open("/events", "br, gzip");
    assert!(is_gzip);
    let mut follower = BufReader::new(GzDecoder::new(body));
    let mut told = String::new();
    let mut read_until = |follower: &mut dyn BufRead, wanted: &str| {
        while !told.ends_with(wanted) {
            assert!(follower.read_line(&mut told).unwrap() > 0, "the stream ended: {told}");
        }
        std::mem::take(&mut told)
    };
    read_until(&mut follower, "id: 0\n\n");
    let patterns: Vec<String> = (0..300).map(|number| format!("src/{number}.ts")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    server.claim("ada", &patterns).ids();
    let all = read_until(&mut follower, "\"}\n\nid: 300\nevent: claim_granted\n");
    assert_eq!(all.matches("event: claim_granted\n").count(), 300);
    // One that begins within what is at hand for all is told only what it does not know.
    let (_, later) = open("/events?since=150", "gzip");
    let mut later = BufReader::new(GzDecoder::new(later));
    read_until(&mut later, "id: 150\n\n");
    let rest = read_until(&mut later, "id: 300\nevent: claim_granted\n");
    assert_eq!(rest.matches("event: claim_granted\n").count(), 150);
    assert!(!open("/events", "gzip;q=0").0);
    // Who wants the same is told the same, which is less than all.
    server.claim("eve", &["src/eve.ts"]).ids();
    for _ in 0..2 {
        let (is_gzip, body) = open("/events?since=0&engineer=eve", "gzip");
        assert!(is_gzip);
        let mut eve = BufReader::new(GzDecoder::new(body));
        read_until(&mut eve, "id: 0\n\n");
        assert!(read_until(&mut eve, "\n\n").starts_with("id: 301\nevent: claim_granted\n"));
    }
    // Its end is an orderly one.
    server.claim("bo", &["last.ts"]).ids();
    server.ask_to_end();
    for mut follower in [follower, later] {
        let mut rest = String::new();
        follower.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("last.ts"), "{rest}");
    }
    server.join();
}

#[test]
fn who_had_it_and_what_happened() {
    let server = Server::start();
    let id = server.claim("ada", &["src/auth/**"]).ids().remove(0);
    server.claim("bob", &["docs/x.md"]).ids();
    assert_eq!(server.claim("bob", &["src/auth/login.ts"]).code(), 409);
    server.call("DELETE", &format!("/claims/{id}"), None);
    server.claim("bob", &["src/auth/login.ts"]).ids();
    let history = |query: &str| server.call("GET", &format!("/history?{query}"), None).json();
    let kinds = |value: &Value| -> Vec<String> {
        let events = value["events"].as_array().unwrap().iter();
        events
            .map(|event| {
                format!("{} {}", event["engineer"].as_str().unwrap(), event["type"].as_str().unwrap())
            })
            .collect()
    };
    let found = history("path=src/auth/login.ts&literal=true&repo=o/r");
    let who: Vec<&Value> =
        found["claims"].as_array().unwrap().iter().map(|claim| &claim["engineer"]).collect();
    assert_eq!(who, ["bob", "ada"]);
    assert_eq!(
        (&found["claims"][0]["ended_at"], &found["claims"][1]["release_kind"]),
        (&Value::Null, &json!("voluntary"))
    );
    let told = ["bob claim_granted", "ada claim_released", "bob claim_refused", "ada claim_granted"];
    assert_eq!(kinds(&found), told);
    assert_eq!(kinds(&history(&format!("claim_id={id}"))), &told[1..]);
    assert_eq!(kinds(&history("engineer=bob&path=docs")), ["bob claim_granted"]);
    assert_eq!(history("path=src/auth/login.ts&until=2020-01-01T00:00:00Z")["claims"], json!([]));
    assert_eq!(history("limit=1")["truncated"], json!(true));
    assert_eq!(server.call("GET", "/history?path=a/../b", None).code(), 400);
    assert_eq!(server.call("GET", "/history?since=tuesday", None).code(), 400);
}
