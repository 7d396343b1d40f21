//! `coord hook`: the guard of an agent's edits.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::harness::{Place, Ran, World, both, engineer};
use super::init::{installed, read};

/// A file with two declarations and a line outside of both.
const SOURCE: &str = "import os\n\ndef first():\n    return 1\n\ndef second():\n    return 2\n";

/// An event, as an agent's tool sends it from a directory of the world.
fn event(world: &World, cwd: &str, session: &str, tool: &str, input: &Value) -> Value {
    json!({
        "session_id": session,
        "transcript_path": "/nowhere.jsonl",
        "cwd": world.path(cwd),
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": tool,
        "tool_input": input,
        "tool_use_id": "toolu_1",
    })
}

/// Runs the hook of a tool with something on its stdin.
#[track_caller]
fn told(world: &World, place: &Place<'_>, tool: &str, sent: &str) -> Ran {
    world.write("event.json", sent);
    let file = world.path("event.json");
    let ran = place.shell(&format!("coord hook {tool} < {}", file.display()));
    assert_eq!(ran.status, Some(0), "{ran}");
    ran
}

/// An agent of Claude Code in a work tree.
struct Agent<'a> {
    world: &'a World,
    cwd: &'static str,
    session: &'static str,
}

impl Agent<'_> {
    #[track_caller]
    fn sends(&self, tool: &str, input: &Value) -> Ran {
        let sent = event(self.world, self.cwd, self.session, tool, input).to_string();
        // Where the hook is started does not matter.
        told(self.world, &self.world.at("home"), "claude-code", &sent)
    }

    #[track_caller]
    fn writes(&self, file: &str) -> Ran {
        self.sends("Write", &json!({ "file_path": self.world.path(file), "content": "new\n" }))
    }

    #[track_caller]
    fn edits(&self, file: &str, old: &str) -> Ran {
        let path = self.world.path(file);
        self.sends("Edit", &json!({ "file_path": path, "old_string": old, "new_string": "new" }))
    }

    #[track_caller]
    fn ends(&self) -> Ran {
        let sent = json!({
            "session_id": self.session,
            "cwd": self.world.path(self.cwd),
            "hook_event_name": "SessionEnd",
            "reason": "other",
        });
        told(self.world, &self.world.at("home"), "claude-code", &sent.to_string())
    }
}

/// An agent in the main work tree and one in another, with a source file in both.
fn two(world: &World) -> (Agent<'_>, Agent<'_>) {
    world.bob();
    for place in ["app", "bob"] {
        world.write(&format!("{place}/src/a.py"), SOURCE);
    }
    (Agent { world, cwd: "app", session: "agent-1" }, Agent { world, cwd: "bob/src", session: "agent-2" })
}

/// What is held, as `engineer scope`, in order.
fn held(world: &World) -> Vec<String> {
    let rows = world.alice().coord(&["claims", "--json"]).ok().json();
    let mut held: Vec<String> = rows["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let symbols = row["symbols"].as_array().map(|all| format!("::{}", all[0].as_str().unwrap()));
            format!(
                "{} {}{}",
                row["engineer"].as_str().unwrap(),
                row["pattern"].as_str().unwrap(),
                symbols.unwrap_or_default()
            )
        })
        .collect();
    held.sort();
    held
}

#[track_caller]
fn passes(ran: &Ran) {
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran}");
}

/// Why an edit was stopped.
#[track_caller]
fn denied(ran: &Ran) -> String {
    assert!(ran.stderr.is_empty(), "{ran}");
    let output = &ran.json()["hookSpecificOutput"];
    assert_eq!(
        (&output["hookEventName"], &output["permissionDecision"]),
        (&json!("PreToolUse"), &json!("deny"))
    );
    output["permissionDecisionReason"].as_str().unwrap().to_owned()
}

#[test]
fn two_agents_and_one_file() {
    both(|world| {
        let (alice, bob) = two(world);
        passes(&alice.writes("app/src/api.ts"));
        assert_eq!(held(world), ["alice/claude/main src/api.ts"]);
        let why = denied(&bob.writes("bob/src/api.ts"));
        for part in [
            "src/api.ts is not free: alice/claude/main holds src/api.ts for another ",
            ": edited by Claude Code. Nothing was edited.",
            "`coord claim src/api.ts --wait 10m`",
            "`coord request ",
        ] {
            assert!(why.contains(part), "{part} in {why}");
        }
        // The session that ends takes exactly its own away.
        passes(&bob.writes("bob/Makefile"));
        passes(&alice.ends());
        assert_eq!(held(world), ["alice/claude/bob Makefile"]);
        passes(&bob.writes("bob/src/api.ts"));
        passes(&alice.ends());
        passes(&bob.ends());
        assert!(held(world).is_empty());
    });
}

#[test]
fn two_agents_in_one_file() {
    both(|world| {
        let (alice, bob) = two(world);
        passes(&alice.edits("app/src/a.py", "return 1"));
        passes(&bob.edits("bob/src/a.py", "def second():\n    return 2\n"));
        assert_eq!(held(world), ["alice/claude/bob src/a.py::second", "alice/claude/main src/a.py::first"]);
        let why = denied(&bob.edits("bob/src/a.py", "return 1"));
        assert!(
            why.starts_with("src/a.py::first is not free: alice/claude/main holds src/a.py::first "),
            "{why}"
        );
        // A line outside of all declarations is the file's.
        let why = denied(&bob.edits("bob/src/a.py", "import os"));
        assert!(why.starts_with("src/a.py is not free: "), "{why}");
    });
}

#[test]
fn what_is_held_is_renewed_and_not_claimed_again() {
    both(|world| {
        let (alice, _) = two(world);
        for _ in 0..2 {
            passes(&alice.edits("app/src/a.py", "return 1"));
            passes(&alice.edits("app/src/a.py", "return 2"));
        }
        assert_eq!(held(world), ["alice/claude/main src/a.py::first", "alice/claude/main src/a.py::second"]);
        for _ in 0..2 {
            passes(&alice.edits("app/src/api.ts", "one"));
        }
        passes(&alice.writes("app/docs/a.py"));
        world.write("app/docs/a.py", SOURCE);
        passes(&alice.edits("app/docs/a.py", "return 1"));
        let all = held(world);
        assert_eq!(all.iter().filter(|held| held.contains("docs/a.py")).count(), 1, "{all:?}");
        assert_eq!(all.len(), 4, "{all:?}");
    });
}

#[test]
fn a_claim_that_soon_runs_out_lives_on() {
    both(|world| {
        let (alice, _) = two(world);
        let place = world.alice().env("CLAUDECODE", "1").env("COORD_SESSION_ID", "agent-1");
        place.coord(&["claim", "src/api.ts", "--ttl", "10m"]).ok();
        passes(&alice.writes("app/src/api.ts"));
        let rows = world.alice().coord(&["claims", "--json"]).ok().json();
        let (from, until) = (&rows["claims"][0]["created_at"], &rows["claims"][0]["expires_at"]);
        let hour = |at: &Value| at.as_str().unwrap()[11..13].parse::<i32>().unwrap();
        assert_eq!((hour(until) - hour(from)).rem_euclid(24), 4, "{rows}");
        assert_eq!(rows["count"], 1);
    });
}

#[test]
fn what_was_carved_out_of_a_file_is_somebody_elses() {
    both(|world| {
        let (alice, bob) = two(world);
        passes(&alice.writes("app/src/a.py"));
        passes(&bob.edits("bob/src/a.py", "return 2"));
        passes(&alice.edits("app/src/a.py", "return 1"));
        passes(&alice.edits("app/src/a.py", "import os"));
        let why = denied(&alice.edits("app/src/a.py", "return 2"));
        assert!(why.contains("alice/claude/bob holds src/a.py::second"), "{why}");
    });
}

#[test]
fn people_and_agents_meet() {
    both(|world| {
        let (alice, _) = two(world);
        engineer(world, "carol").coord(&["claim", "src/**", "-m", "big move"]).ok();
        let why = denied(&alice.writes("app/src/new/deep.ts"));
        assert!(why.contains("carol holds src/** ") && why.contains(": big move. "), "{why}");
        // Whoever is told so can ask, with the agent's own commands.
        let place = world.alice().env("CLAUDECODE", "1");
        place.coord(&["claim", "docs/**"]).ok();
        passes(&alice.writes("app/docs/guide.md"));
        assert_eq!(held(world), ["alice/claude/main docs/**", "carol src/**"]);
    });
}

#[test]
fn several_edits_at_once() {
    both(|world| {
        let (alice, bob) = two(world);
        let path = world.path("app/src/a.py");
        let edits = json!([{ "old_string": "return 1", "new_string": "" }, { "old_string": "return 2", "new_string": "" }]);
        passes(&alice.sends("MultiEdit", &json!({ "file_path": path, "edits": edits })));
        assert_eq!(held(world), ["alice/claude/main src/a.py::first", "alice/claude/main src/a.py::second"]);
        let patch = "*** Begin Patch\n*** Update File: a.py\n@@\n def first():\n-    return 1\n+    return 3\n\n*** Add File: b.py\n+x\n*** End Patch\n";
        let sent = event(world, "bob/src", "codex-1", "apply_patch", &json!({ "command": patch }));
        let why = denied(&told(world, &world.at("home"), "codex", &sent.to_string()));
        assert!(why.starts_with("src/a.py::first is not free"), "{why}");
        passes(&alice.ends());
        passes(&told(world, &world.at("home"), "codex", &sent.to_string()));
        assert_eq!(held(world), ["alice/codex/bob src/a.py::first", "alice/codex/bob src/b.py"]);
        passes(&bob.ends());
    });
}

#[test]
fn cursor_is_answered_in_its_own_words() {
    let world = World::embedded();
    engineer(&world, "carol").coord(&["claim", "src/api.ts"]).ok();
    let sent = |file: &str| {
        json!({
            "conversation_id": "c-1",
            "workspace_roots": [world.path("app")],
            "hook_event_name": "preToolUse",
            "tool_name": "Write",
            "tool_input": { "file_path": world.path(file), "content": "" },
        })
        .to_string()
    };
    let place = world.at("home");
    let ran = told(&world, &place, "cursor", &sent("app/src/api.ts")).json();
    assert_eq!(ran["permission"], "deny");
    assert!(ran["agent_message"].as_str().unwrap().contains("carol holds src/api.ts"), "{ran}");
    assert_eq!(told(&world, &place, "cursor", &sent("app/Makefile")).stdout, "{}\n");
    assert_eq!(held(&world), ["alice/cursor/main Makefile", "carol src/api.ts"]);
    let end = json!({ "conversation_id": "c-1", "workspace_roots": [world.path("app")], "hook_event_name": "sessionEnd" });
    told(&world, &place, "cursor", &end.to_string());
    assert_eq!(held(&world), ["carol src/api.ts"]);
}

#[test]
fn some_files_are_nobodys_business() {
    both(|world| {
        let (alice, _) = two(world);
        engineer(world, "carol").coord(&["claim", "**"]).ok();
        world.write("app/.gitignore", "*.log\n!keep.log\n/build/\n");
        world.write("app/kept.log", "");
        world.git(&world.path("app"), &["add", "-f", "kept.log"]);
        world.git(&world.path(""), &["init", "--quiet", "other"]);
        for file in [
            "app/.git/config",
            "app/.coordination/local.env",
            "app/a.log",
            "app/build/new/deep.ts",
            "home/notes.md",
            "other/a.ts",
            "app/src/../../home/x",
        ] {
            passes(&alice.writes(file));
        }
        for file in ["app/keep.log", "app/kept.log", "app/docs/../src/new.ts"] {
            denied(&alice.writes(file));
        }
        // Its tool's other tools, its turns, and where there is no clone.
        passes(&alice.sends("Read", &json!({ "file_path": world.path("app/src/api.ts") })));
        let nowhere = Agent { world, cwd: "home", session: "agent-3" };
        passes(&nowhere.writes("home/a.ts"));
        passes(&nowhere.ends());
        let stop = json!({ "session_id": "agent-1", "cwd": world.path("app"), "hook_event_name": "Stop" });
        passes(&told(world, &world.at("home"), "claude-code", &stop.to_string()));
    });
}

#[test]
fn worktrees_meet_and_each_is_itself() {
    both(|world| {
        let (alice, bob) = two(world);
        world.git(&world.path("app"), &["worktree", "add", "--quiet", "-b", "inner", ".trees/inner"]);
        let inner = Agent { world, cwd: "app/.trees/inner", session: "agent-3" };
        passes(&inner.writes("app/.trees/inner/src/api.ts"));
        assert_eq!(held(world), ["alice/claude/inner src/api.ts"]);
        denied(&bob.writes("bob/src/api.ts"));
        // Who reaches into another work tree of the clone edits the same file.
        denied(&alice.writes("bob/src/api.ts"));
        denied(&alice.writes("app/.trees/inner/src/api.ts"));
    });
}

#[test]
fn a_service_that_is_away_stops_nobody() {
    let world = World::embedded();
    let place = world.at("home").env("COORD_API_URL", "http://127.0.0.1:9").env("COORD_AUTH_TOKEN", "x");
    let input = json!({ "file_path": world.path("app/src/api.ts"), "content": "" });
    let sent = event(&world, "app", "agent-1", "Write", &input).to_string();
    let ran = told(&world, &place, "claude-code", &sent);
    let message = ran.json()["systemMessage"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("coord did not guard this: no coordination service answers at "),
        "{message}"
    );
    assert!(ran.stderr.starts_with("warning: coord did not guard this: "), "{ran}");
    let ran = told(&world, &place, "cursor", &sent);
    assert!(ran.stdout == "{}\n" && ran.stderr.contains("did not guard"), "{ran}");

    // One that takes a connection and is silent is not waited for long.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let begun = std::time::Instant::now();
    let ran = told(&world, &world.at("home").env("COORD_API_URL", &url), "claude-code", &sent);
    assert!(ran.json()["systemMessage"].is_string() && begun.elapsed().as_secs() < 20, "{ran}");

    // So does a service that is configured in a way that makes no sense.
    let place = world.at("home").env("COORD_API_URL", "ftp://nowhere");
    assert!(told(&world, &place, "claude-code", &sent).json()["systemMessage"].is_string());
}

#[test]
fn garbage_stops_nobody() {
    let world = World::embedded();
    for sent in ["", "{", "[]", "\u{0}", r#"{"hook_event_name": "PreToolUse", "tool_name": "Edit"}"#] {
        let ran = told(&world, &world.alice(), "claude-code", sent);
        let message = ran.json()["systemMessage"].as_str().unwrap().to_owned();
        assert!(message.contains("this is no event of Claude Code: "), "{message}");
    }
    fs::write(world.path("bytes"), [0xff, 0xfe]).unwrap();
    let ran = world.alice().shell("coord hook claude-code < ../bytes").ok();
    assert!(ran.json()["systemMessage"].as_str().unwrap().contains("is not text"), "{ran}");
    // The command that is written into settings cannot fail either.
    assert_eq!(world.alice().shell("coord hook no-such-tool || true").status, Some(0));
}

#[test]
fn init_has_claude_code_run_it() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    let written = read(&world, "app/.claude/settings.json");
    assert_snapshot!(written, @r#"
    {
      "hooks": {
        "PreToolUse": [
          {
            "matcher": "Edit|MultiEdit|Write|NotebookEdit",
            "hooks": [
              {
                "type": "command",
                "command": "coord hook claude-code || true",
                "timeout": 10
              }
            ]
          }
        ],
        "SessionEnd": [
          {
            "hooks": [
              {
                "type": "command",
                "command": "coord hook claude-code || true",
                "timeout": 10
              }
            ]
          }
        ]
      }
    }
    "#);
    place.coord(&["init", "--yes"]).ok();
    place.coord(&["upgrade"]).ok();
    assert_eq!(read(&world, "app/.claude/settings.json"), written);

    // What is written is what guards.
    engineer(&world, "carol").coord(&["claim", "src/api.ts"]).ok();
    let settings: Value = serde_json::from_str(&written).unwrap();
    let command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap().to_owned();
    let input = json!({ "file_path": world.path("app/src/api.ts"), "content": "" });
    world.write("event.json", &event(&world, "app", "agent-1", "Write", &input).to_string());
    denied(&world.alice().shell(&format!("({command}) < ../event.json")).ok());

    place.coord(&["uninit", "--yes", "--force"]).ok();
    assert!(!world.path("app/.claude").exists());
}

#[test]
fn init_has_codex_and_cursor_run_it() {
    let world = World::embedded();
    let place = installed(&world, "app");
    world.write("app/.cursor/hooks.json", "{\"hooks\": {\"stop\": [{\"command\": \"x\"}]}}\n");
    let ran = place.coord(&["init", "--yes", "--tool", "codex", "--tool", "cursor"]).ok();
    assert!(ran.stderr.contains("Codex runs what is new in .codex/hooks.json once you trust it"), "{ran}");
    assert_snapshot!(read(&world, "app/.codex/hooks.json"), @r#"
    {
      "hooks": {
        "PreToolUse": [
          {
            "matcher": "apply_patch",
            "hooks": [
              {
                "type": "command",
                "command": "coord hook codex || true",
                "timeout": 10
              }
            ]
          }
        ]
      }
    }
    "#);
    let cursor: Value = serde_json::from_str(&read(&world, "app/.cursor/hooks.json")).unwrap();
    assert_eq!((&cursor["version"], &cursor["hooks"]["stop"][0]["command"]), (&json!(1), &json!("x")));
    let again = place.coord(&["upgrade"]).ok();
    assert!(again.stdout.lines().all(|line| line.starts_with("unchanged")), "{again}");
    assert!(!again.stderr.contains("trust"), "{again}");
    let told = place.coord(&["doctor"]).ok().stdout;
    assert!(told.contains("OK    codex edits are guarded (.codex/hooks.json)\n"), "{told}");
    assert!(told.contains("OK    cursor edits are guarded (.cursor/hooks.json)\n"), "{told}");

    // What is written is what guards.
    engineer(&world, "carol").coord(&["claim", "src/api.ts"]).ok();
    let patch = json!({ "command": "*** Begin Patch\n*** Delete File: src/api.ts\n*** End Patch\n" });
    world.write("event.json", &event(&world, "app", "agent-1", "apply_patch", &patch).to_string());
    denied(&world.alice().shell("(coord hook codex || true) < ../event.json").ok());
    let command = cursor["hooks"]["preToolUse"][0]["command"].as_str().unwrap();
    let input = json!({ "file_path": world.path("app/src/api.ts"), "content": "" });
    world.write("event.json", &event(&world, "app", "agent-2", "Write", &input).to_string());
    let ran = world.alice().shell(&format!("({command}) < ../event.json")).ok();
    assert_eq!(ran.json()["permission"], "deny", "{ran}");

    place.coord(&["uninit", "--yes", "--force"]).ok();
    assert_eq!(read(&world, "app/.cursor/hooks.json"), "{\"hooks\": {\"stop\": [{\"command\": \"x\"}]}}\n");
    assert!(!world.path("app/.codex").exists());
    place.coord(&["init", "--yes", "--no-guard", "--tool", "codex"]).ok();
    assert!(!world.path("app/.codex/hooks.json").exists());
}

#[test]
fn settings_of_others_come_back_byte_for_byte() {
    let world = World::embedded();
    let place = installed(&world, "app");
    for text in [
        "{}",
        "{\n\t\"permissions\": {\"allow\": [\"Bash(ls)\"]}, // mine\n\t\"hooks\": {\n\t\t\"PreToolUse\": [\n\t\t\t{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"x\"}]}\n\t\t]\n\t}\n}",
        "{\"hooks\": {\"Stop\": []}}\r\n",
    ] {
        world.write("app/.claude/settings.json", text);
        place.coord(&["init", "--yes"]).ok();
        assert_eq!(read(&world, "app/.claude/settings.json").matches("coord hook claude-code").count(), 2);
        place.coord(&["init", "--yes"]).ok();
        place.coord(&["uninit", "--yes", "--force"]).ok();
        assert_eq!(read(&world, "app/.claude/settings.json"), text);
    }
}

#[test]
fn the_guard_can_be_left_out() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes", "--no-guard"]).ok();
    assert!(!world.path("app/.claude").exists());
    place.coord(&["upgrade"]).ok();
    assert!(!world.path("app/.claude").exists());
    let told = |place: &Place<'_>| {
        let ran = place.coord(&["doctor"]);
        let line = ran.stdout.lines().find(|line| line.contains("edits are guarded")).map(String::from);
        line.unwrap_or_else(|| panic!("{ran}"))
    };
    assert_eq!(told(&place), "OK    claude edits are guarded (left out by --no-guard)");
    place.coord(&["init", "--yes"]).ok();
    assert_eq!(told(&place), "OK    claude edits are guarded (.claude/settings.json)");
    let text = read(&world, "app/.claude/settings.json");
    world.write("app/.claude/settings.json", &text.replace("10", "99"));
    assert!(told(&place).starts_with("WARN  claude edits are guarded (.claude/settings.json not as"));
    world.write("app/.claude/settings.json", "{}");
    assert!(told(&place).starts_with("FAIL  claude edits are guarded"));
    place.coord(&["doctor", "--fix"]);
    assert_eq!(read(&world, "app/.claude/settings.json").matches("coord hook").count(), 2);
}
