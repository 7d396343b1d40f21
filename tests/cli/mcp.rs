//! `coord mcp` and `coord-mcp`, driven with raw JSON-RPC

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::harness::{COORD, COORD_MCP, DEADLINE, Place, TOKEN, World, both};

/// A server and its client's end of the pipes.
struct Mcp {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// What came while something else was waited for.
    kept: VecDeque<Value>,
    next: i64,
}

impl Mcp {
    /// A server that has shaken hands with a client of that name.
    #[track_caller]
    fn start(place: &Place<'_>, client: &str) -> Mcp {
        let mut mcp = Mcp::raw(place, COORD, &["mcp"]);
        let version = json!({"name": client, "version": "1"});
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": version});
        let id = mcp.send("initialize", hello);
        let welcome = mcp.answer(id);
        assert_eq!(welcome["result"]["serverInfo"]["name"], "coordination", "{welcome}");
        assert_eq!(welcome["result"]["protocolVersion"], "2025-06-18", "{welcome}");
        assert!(welcome["result"]["instructions"].as_str().unwrap().contains("claim_files"));
        mcp.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        mcp
    }

    /// A server that nobody has spoken to.
    fn raw(place: &Place<'_>, program: &str, arguments: &[&str]) -> Mcp {
        let mut command = place.command(program, arguments);
        let mut process = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Mcp { process, stdin, lines, kept: VecDeque::new(), next: 0 }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn send(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let id = self.next;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        id
    }

    /// Starts a call, and asks for news of it.
    fn begin(&mut self, tool: &str, arguments: Value) -> i64 {
        let token = self.next + 1;
        let meta = json!({"progressToken": token});
        self.send("tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta}))
    }

    /// Says that a call is not wanted any more.
    fn cancel(&mut self, id: i64) {
        let params = json!({"requestId": id, "reason": "enough"});
        self.write(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string(),
        );
    }

    /// The first message that is as it must be.
    #[track_caller]
    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at).unwrap();
        }
        let until = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) if wanted(&message) => return message,
                Ok(message) => self.kept.push_back(message),
                Err(error) => panic!("it never came: {error}; instead {:?}", self.kept),
            }
        }
    }

    #[track_caller]
    fn answer(&mut self, id: i64) -> Value {
        self.wait(|message| message["id"] == id)
    }

    #[track_caller]
    fn progress(&mut self, id: i64) -> Value {
        self.wait(|message| {
            message["method"] == "notifications/progress" && message["params"]["progressToken"] == id
        })
    }

    /// The result of a call: whether it is an error, and its JSON.
    #[track_caller]
    fn result(&mut self, id: i64) -> (bool, Value) {
        let answer = self.answer(id);
        let result = &answer["result"];
        let structured = result["structuredContent"].clone();
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
        if !structured.is_null() {
            assert_eq!(serde_json::from_str::<Value>(text).unwrap(), structured);
        }
        (result["isError"] == true, if structured.is_null() { text.into() } else { structured })
    }

    #[track_caller]
    fn ok(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.begin(tool, arguments);
        let (is_error, reply) = self.result(id);
        assert!(!is_error, "{reply}");
        reply
    }

    #[track_caller]
    fn fails(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.begin(tool, arguments);
        let (is_error, reply) = self.result(id);
        assert!(is_error, "{reply}");
        reply
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(
            std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success()
        );
    }

    /// Waits until it has ended, and tells its status.
    #[track_caller]
    fn ended(&mut self) -> Option<i32> {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < until, "it never ended");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes stdin, and waits until it has ended.
    #[track_caller]
    fn close(mut self) {
        self.stdin = None;
        assert_eq!(self.ended(), Some(0));
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn tools_and_their_parameters() {
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    let id = mcp.send("tools/list", json!({}));
    let answer = mcp.answer(id);
    let mut lines = Vec::new();
    for tool in answer["result"]["tools"].as_array().unwrap() {
        assert!(tool["description"].as_str().unwrap().len() > 60, "{tool}");
        let schema = &tool["inputSchema"];
        let none = Vec::new();
        let required = schema["required"].as_array().unwrap_or(&none);
        let mut words = Vec::new();
        for (name, of) in schema["properties"].as_object().unwrap() {
            assert!(!of["description"].as_str().unwrap().is_empty(), "{name} of {tool}");
            let default = of.get("default").filter(|value| !value.is_null() && **value != json!([]));
            words.push(match default {
                Some(value) => format!("{name}={value}"),
                None if required.contains(&json!(name)) => format!("{name}!"),
                None => name.clone(),
            });
        }
        lines.push(format!("{}: {}", tool["name"].as_str().unwrap(), words.join(", ")));
    }
    assert_snapshot!(lines.join("\n"), @"
    cancel_queue_request: engineer, queue_id!
    check_conflicts: engineer, files!
    claim_files: branch, description, engineer, narrowable, patterns, shared_files, symbols, ttl_hours, urgency, wait_seconds
    list_claims: active_only=true, engineer, module
    my_requests: decision=\"pending\", queued=false
    pending_requests: session_id
    release_claims: claim_ids!, engineer
    release_session: session_id
    request_release: claim_id!, reason, requested_scope, urgency, wait_seconds=60
    respond_to_request: coexist_pattern, decision!, narrowed_pattern, note, request_id!
    wait_for_request: request_id!, timeout=60
    ");
}

#[test]
fn the_agents_guide_calls_tools_as_they_are() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/agents.md")).unwrap();
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    let id = mcp.send("tools/list", json!({}));
    let answer = mcp.answer(id);
    let tools = answer["result"]["tools"].as_array().unwrap();
    let mut called = std::collections::BTreeSet::new();
    for call in guide.split('`').skip(1).step_by(2).filter(|code| code.ends_with(')')) {
        let (name, given) = call.split_once('(').unwrap();
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("{call}"));
        for argument in
            given.trim_end_matches(')').split(", ").filter(|argument| !["", "..."].contains(argument))
        {
            let argument = argument.split('=').next().unwrap();
            assert!(tool["inputSchema"]["properties"].get(argument).is_some(), "{argument} in {call}");
        }
        called.insert(name);
    }
    let others: Vec<_> =
        tools.iter().filter(|tool| !called.contains(tool["name"].as_str().unwrap())).collect();
    let others: Vec<_> = others.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(others, ["cancel_queue_request", "my_requests"], "these are for those who look for them");
}

#[test]
fn claims_are_made_seen_refused_and_let_go() {
    both(|world| {
        let mut alice = Mcp::start(&world.alice(), "claude-code");
        let mut bob = Mcp::start(&world.bob(), "codex-mcp-client");
        let asked = json!({"patterns": ["src/api.ts"], "shared_files": ["Makefile"], "description": "login"});
        let claimed = alice.ok("claim_files", asked);
        assert_eq!(claimed["claim_ids"].as_array().unwrap().len(), 2, "{claimed}");

        let listed = bob.ok("list_claims", json!({"module": "src"}));
        let row = &listed["claims"][0];
        assert_eq!(
            (&listed["count"], &row["engineer"]),
            (&json!(1), &json!("alice/claude/main")),
            "{listed}"
        );
        assert_eq!((&row["branch"], &row["repo"]), (&json!("main"), &json!("app")), "{listed}");

        let checked = bob.ok("check_conflicts", json!({"files": ["src/api.ts", "docs"]}));
        assert_eq!(
            (&checked["safe_to_proceed"], &checked["conflicts"][0]["engineer"]),
            (&json!(false), &json!("alice/claude/main"))
        );
        let own = alice.ok("check_conflicts", json!({"files": ["src/api.ts"]}));
        assert_eq!(own["safe"], true, "{own}");

        let refused = bob.ok("claim_files", json!({"patterns": ["src/**"]}));
        assert_eq!(refused["claim_ids"], json!([]));
        assert_eq!(refused["conflicts"][0]["conflicting_claim"]["id"], claimed["claim_ids"][0], "{refused}");
        let malformed = bob.ok("claim_files", json!({"patterns": ["a\u{7}b"]}));
        assert!(malformed["warnings"][0].as_str().unwrap().contains("control"), "{malformed}");

        let pending = alice.ok("pending_requests", json!({}));
        assert_eq!(pending["pending"][0]["kind"], "auto-conflict", "{pending}");
        let ids = json!({"claim_ids": [claimed["claim_ids"][0]]});
        assert_eq!(bob.ok("release_claims", ids.clone())["released"], 0);
        assert_eq!(alice.ok("release_claims", ids)["released"], 1);
        assert_eq!(alice.ok("release_session", json!({}))["released"], 1);
        assert_eq!(bob.ok("list_claims", json!({}))["count"], 0);
        let all = bob.ok("list_claims", json!({"active_only": false}));
        assert_eq!(all["count"], 2);
    });
}

#[test]
fn symbols_are_compared_with_the_source_first() {
    both(|world| {
        world.write("app/src/router.ts", "export class Router { get() {} put() {} }\n");
        let mut alice = Mcp::start(&world.alice(), "test");
        let slip = alice.ok("claim_files", json!({"symbols": {"src/router.ts": ["Router::gte"]}}));
        assert_eq!((&slip["client_validated"], &slip["claim_ids"]), (&json!(true), &json!([])));
        assert!(slip["warnings"][0].as_str().unwrap().contains("Did you mean 'Router::get'"), "{slip}");
        let asked = json!({"patterns": ["src/router.ts"], "symbols": {"src/router.ts": ["Router::get"]}});
        assert_eq!(alice.ok("claim_files", asked)["claim_ids"].as_array().unwrap().len(), 1);
        let mut bob = Mcp::start(&world.bob(), "test");
        let claimed = bob.ok("claim_files", json!({"patterns": ["src/router.ts::Router::put"]}));
        assert_eq!(claimed["claim_ids"].as_array().unwrap().len(), 1, "{claimed}");
        let checked = bob.ok("check_conflicts", json!({"files": ["src/router.ts::Router::get"]}));
        assert_eq!(checked["safe"], false, "{checked}");

        let trusting = world.alice().env("COORD_DISABLE_CLIENT_VALIDATION", "1");
        let reply =
            Mcp::start(&trusting, "test").ok("claim_files", json!({"symbols": {"src/router.ts": ["no"]}}));
        assert!(reply.get("client_validated").is_none(), "{reply}");
    });
}

#[test]
fn waits_beside_other_calls_and_tells_how_it_goes_on() {
    both(|world| {
        let mut alice = Mcp::start(&world.alice(), "test");
        let mut bob = Mcp::start(&world.bob(), "test");
        let held = alice.ok("claim_files", json!({"patterns": ["docs"]}));
        let other = bob.ok("claim_files", json!({"patterns": ["Makefile"]}));
        let wait =
            bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000, "urgency": "high"}));
        let told = bob.progress(wait);
        assert_eq!(told["params"]["total"].as_f64(), Some(5000.0), "{told}");
        assert_eq!(told["params"]["message"], "number 1 in the queue for docs/; alice/cli/main has docs/");

        let queue = bob.ok("my_requests", json!({"queued": true}));
        assert_eq!((&queue["count"], &queue["queued"][0]["position"]), (&json!(1), &json!(1)), "{queue}");
        assert_eq!(alice.ok("my_requests", json!({"queued": true}))["count"], 0);
        assert_eq!(bob.ok("release_claims", json!({"claim_ids": other["claim_ids"]}))["released"], 1);
        alice.ok("release_claims", json!({"claim_ids": held["claim_ids"]}));
        let (is_error, granted) = bob.result(wait);
        assert!(!is_error && granted["claim_ids"].as_array().unwrap().len() == 1, "{granted}");
    });
}

#[test]
fn cancelling_leaves_the_queue() {
    both(|world| {
        let mut alice = Mcp::start(&world.alice(), "test");
        let mut bob = Mcp::start(&world.bob(), "test");
        let held = alice.ok("claim_files", json!({"patterns": ["docs"]}));
        let wait = bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000}));
        world.queue_of(1);
        let params = json!({"requestId": wait, "reason": "enough"});
        bob.write(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string(),
        );
        world.queue_of(0);
        alice.ok("release_claims", json!({"claim_ids": held["claim_ids"]}));
        assert_eq!(bob.ok("list_claims", json!({}))["count"], 0, "nothing is granted to who went");

        // By the tool, too; the call that waits then ends.
        alice.ok("claim_files", json!({"patterns": ["docs"]}));
        let wait = bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000}));
        world.queue_of(1);
        let place = bob.ok("my_requests", json!({"queued": true}))["queued"][0]["queue_id"].clone();
        assert_eq!(bob.ok("cancel_queue_request", json!({"queue_id": place}))["cancelled"], true);
        assert_eq!(bob.result(wait).1["claim_ids"], json!([]));
        let unknown = bob.fails("cancel_queue_request", json!({"queue_id": "nowhere"}));
        assert_eq!(unknown["status"], 404, "{unknown}");
    });
}

#[test]
fn asking_waiting_and_answering() {
    both(|world| {
        let mut alice = Mcp::start(&world.alice(), "test");
        let mut bob = Mcp::start(&world.bob(), "test");
        let claims = alice.ok("claim_files", json!({"patterns": ["src", "docs"]}))["claim_ids"].clone();
        let asked = json!({"claim_id": claims[0], "reason": "one line", "wait_seconds": 5000});
        let wait = bob.begin("request_release", asked);
        bob.progress(wait);
        let pending = alice.ok("pending_requests", json!({}));
        let request = pending["pending"][0].clone();
        assert_eq!((&request["kind"], &request["reason"]), (&json!("request"), &json!("one line")));

        let own =
            bob.fails("respond_to_request", json!({"request_id": request["id"], "decision": "approved"}));
        assert_eq!(own["status"], 403, "{own}");
        let bad =
            alice.fails("respond_to_request", json!({"request_id": request["id"], "decision": "maybe"}));
        assert!(bad["detail"].as_str().unwrap().contains("none of approved"), "{bad}");
        let answer =
            json!({"request_id": request["id"], "decision": "narrowed", "narrowed_pattern": "src/api.ts"});
        let answered = alice.ok("respond_to_request", answer);
        assert_eq!(answered["decided_by_engineer"], "alice/cli/main", "{answered}");
        assert!(answered["decided_by_session_id"].is_string(), "{answered}");
        let (is_error, row) = bob.result(wait);
        assert_eq!((is_error, &row["decision"]), (false, &json!("narrowed")), "{row}");

        let open = bob.ok("request_release", json!({"claim_id": claims[1], "wait_seconds": 0}));
        assert_eq!(open["decision"], "pending");
        let still = bob.ok("wait_for_request", json!({"request_id": open["id"], "timeout": 0}));
        assert_eq!(still["decision"], "pending");
        assert_eq!(bob.ok("my_requests", json!({}))["count"], 1);
        let wait = bob.begin("wait_for_request", json!({"request_id": open["id"], "timeout": 5000}));
        bob.progress(wait);
        alice.ok(
            "respond_to_request",
            json!({"request_id": open["id"], "decision": "denied", "note": "busy"}),
        );
        assert_eq!(bob.result(wait).1["note"], "busy");
        assert_eq!(bob.ok("my_requests", json!({"decision": ""}))["count"], 2);
        assert_eq!(alice.ok("my_requests", json!({"decision": ""}))["count"], 0);

        let nothing = bob.ok("request_release", json!({"claim_id": "nope"}));
        assert!(nothing["detail"].as_str().unwrap().contains("nope"), "{nothing}");
        let unknown = bob.fails("wait_for_request", json!({"request_id": "nope"}));
        assert_eq!(unknown, json!({"detail": "unknown request_id 'nope'", "status": 404}));
    });
}

#[test]
fn the_engineer_of_a_claim_is_remembered() {
    both(|world| {
        let mut carol = Mcp::start(&world.alice(), "test");
        let claimed = carol.ok("claim_files", json!({"patterns": ["docs"], "engineer": "carol"}));
        assert_eq!(carol.ok("list_claims", json!({"engineer": "carol"}))["count"], 1);
        let mut bob = Mcp::start(&world.bob(), "test");
        let request =
            bob.ok("request_release", json!({"claim_id": claimed["claim_ids"][0], "wait_seconds": 0}));
        let answer = json!({"request_id": request["id"], "decision": "denied"});
        assert_eq!(carol.ok("respond_to_request", answer)["decided_by_engineer"], "carol");
        let ids = json!({"claim_ids": claimed["claim_ids"]});
        assert_eq!(carol.ok("release_claims", ids)["released"], 1);
    });
}

#[test]
fn arguments_that_make_no_sense_change_nothing() {
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    for (tool, arguments) in [
        ("claim_files", json!({"patterns": ["docs"], "wait": 3})),
        ("claim_files", json!({"patterns": "docs"})),
        ("claim_files", json!({"patterns": ["docs"], "ttl_hours": -1})),
        ("release_claims", json!({})),
        ("check_conflicts", json!({"files": []})),
        ("check_conflicts", json!({"files": ["../../x"]})),
    ] {
        let told = mcp.fails(tool, arguments).to_string();
        assert!(told.len() > 20, "{told}");
    }
    assert_eq!(mcp.ok("list_claims", json!({}))["count"], 0);
    let id = mcp.send("tools/call", json!({"name": "no_such_tool", "arguments": {}}));
    assert!(mcp.answer(id)["error"]["message"].is_string());
}

#[test]
fn what_is_not_the_protocol_is_survived() {
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    for line in ["{", "", "nonsense", "[]", "{\"jsonrpc\": \"2.0\"}", "\u{0}\u{ff}", "null"] {
        mcp.write(line);
    }
    let long = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{{\"a\":\"{}\"}}}}",
        "x".repeat(1 << 20)
    );
    mcp.write(&long);
    assert_eq!(mcp.ok("list_claims", json!({}))["count"], 0);
    mcp.close();
    let mut nobody = Mcp::raw(&world.alice(), COORD_MCP, &[]);
    nobody.stdin = None;
    assert_eq!(nobody.ended(), Some(0));
}

#[test]
fn the_session_is_noted_while_the_server_runs() {
    let world = World::embedded();
    let file = world.path("app/.coordination/sessions.live");
    Mcp::start(&world.alice(), "test").close();
    assert!(!file.exists(), "a clone that is not set up stays as it is");
    world.write("app/.coordination/sessions.live", "0123456789abcdef 999999999 1\n");
    let named = Mcp::start(&world.alice().env("COORD_SESSION_ID", "mine"), "test");
    let mut mcp = Mcp::start(&world.alice(), "test");
    let noted = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Vec<&str>> = noted.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!((lines.len(), lines[0][0], lines[0].len()), (2, "mine", 3), "{noted}");
    assert_eq!((lines[1][0].len(), lines[1][1]), (16, mcp.process.id().to_string().as_str()), "{noted}");
    // A check in a shell of the same worktree knows what the session claimed, whatever its name.
    mcp.ok("claim_files", json!({"patterns": ["docs"], "engineer": "carol"}));
    world.alice().coord(&["check", "docs"]).ok();
    mcp.signal("TERM");
    assert_eq!(mcp.ended(), Some(0));
    let noted = std::fs::read_to_string(&file).unwrap();
    assert!(noted.starts_with("mine ") && noted.lines().count() == 1, "{noted}");
    named.close();
    assert!(!file.exists());
}

#[test]
fn what_is_held_outlives_the_server_unless_told_otherwise() {
    both(|world| {
        let mut mcp = Mcp::start(&world.alice(), "test");
        mcp.ok("claim_files", json!({"patterns": ["docs"]}));
        mcp.close();
        let mut tidy = Mcp::start(&world.alice().env("COORD_RELEASE_ON_EXIT", "1"), "test");
        tidy.ok("claim_files", json!({"patterns": ["Makefile"]}));
        assert_eq!(tidy.ok("list_claims", json!({}))["count"], 2);
        tidy.signal("INT");
        assert_eq!(tidy.ended(), Some(0));
        assert_eq!(world.alice().coord(&["claims", "--json"]).json()["count"], 1);
    });
}

#[test]
fn a_client_that_goes_leaves_the_queue() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let mut bob = Mcp::start(&world.bob(), "test");
        bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000}));
        world.queue_of(1);
        bob.close();
        world.queue_of(0);
        let mut bob = Mcp::start(&world.bob(), "test");
        bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000}));
        world.queue_of(1);
        bob.signal("TERM");
        assert_eq!(bob.ended(), Some(0));
        world.queue_of(0);
    });
}

#[test]
fn a_cancellation_that_crosses_the_grant_gives_it_back() {
    both(|world| {
        let mut alice = Mcp::start(&world.alice(), "test");
        let mut bob = Mcp::start(&world.bob(), "test");
        for _ in 0..8 {
            let held = alice.ok("claim_files", json!({"patterns": ["docs"]}));
            let wait = bob.begin("claim_files", json!({"patterns": ["docs"], "wait_seconds": 5000}));
            bob.progress(wait);
            let release = alice.begin("release_claims", json!({"claim_ids": held["claim_ids"]}));
            bob.cancel(wait);
            alice.result(release);
            world.alice().coord_until(&["claims", "--json"], |ran| ran.json()["count"] == 0);
        }
    });
}

#[test]
fn every_call_keeps_the_session_alive() {
    let world = World::embedded();
    let mut alice = Mcp::start(&world.alice().env("COORD_IDLE_TIMEOUT_SEC", "2"), "test");
    alice.ok("claim_files", json!({"patterns": ["docs"]}));
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        alice.ok("my_requests", json!({}));
    }
    let listed = world.bob().env("COORD_IDLE_TIMEOUT_SEC", "2").coord(&["claims", "--json"]).json();
    assert_eq!(listed["count"], 1, "{listed}");
}

#[test]
fn who_writes_and_goes_is_still_answered() {
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    let id = mcp.begin("list_claims", json!({}));
    mcp.stdin = None;
    assert_eq!(mcp.result(id).1["count"], 0);
    assert_eq!(mcp.ended(), Some(0));
}

#[test]
fn outside_a_clone_it_says_what_to_do() {
    let world = World::served();
    let home = world.at("home").env("COORD_REPO_ID", "app");
    let mut lost = Mcp::start(&world.at("home").env("COORD_API_URL", ""), "test");
    let told = lost.fails("claim_files", json!({"patterns": ["docs"]}));
    assert!(told["detail"].as_str().unwrap().contains("not inside a git work tree"), "{told}");
    assert!(told["hint"].as_str().unwrap().contains("COORD_REPO_ID"), "{told}");
    let mut named = Mcp::start(&home, "test");
    let claimed = named.ok("claim_files", json!({"patterns": ["docs"]}));
    assert_eq!(claimed["claim_ids"].as_array().unwrap().len(), 1, "{claimed}");
    assert_eq!(named.ok("list_claims", json!({}))["claims"][0]["engineer"], "alice/cli/home");
}

#[test]
fn a_token_that_changes_counts_from_the_next_call_on() {
    let world = World::embedded();
    let service = world.serve(&[]);
    let local = |token: &str| {
        world.write(
            "app/.coordination/local.env",
            &format!("COORD_API_URL={}\nCOORD_AUTH_TOKEN={token}\n", service.url()),
        );
    };
    local("old-and-wrong");
    // What committed configurations hold does not count.
    let place =
        world.alice().env("COORD_AUTH_TOKEN", "set-me").env("COORD_REPO_ID", "example-org/example-repo");
    let mut mcp = Mcp::start(&place, "test");
    let told = mcp.fails("list_claims", json!({}));
    assert_eq!(told["status"], 401, "{told}");
    assert!(told["hint"].as_str().unwrap().contains("COORD_AUTH_TOKEN"), "{told}");
    local(TOKEN);
    assert_eq!(mcp.ok("list_claims", json!({}))["count"], 0);
    assert_eq!(mcp.ok("claim_files", json!({"patterns": ["docs"]}))["conflicts"], json!([]));
    assert_eq!(mcp.ok("list_claims", json!({}))["claims"][0]["repo"], "app");
}

#[test]
fn nothing_but_the_protocol_is_on_stdout() {
    let world = World::embedded();
    let mut mcp = Mcp::start(&world.alice(), "test");
    mcp.ok("list_claims", json!({}));
    assert!(mcp.kept.is_empty(), "{:?}", mcp.kept);
    assert_eq!(mcp.lines.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    assert_snapshot!(world.alice().run(COORD_MCP, &["--version"]), @"
    coord-mcp [version]
    --- status 0
    ");
}
