//! A service with a month behind it: three repositories, and ten who work in them, some of them agents.
//!
//! All of it comes in over the API, in order. Only the service's clock starts a month ago and is moved on to the present.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use coord::clock::{self, Clock};
use coord::engine::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Connection, Server};
use super::page::{ask, get, post, text, until};
use super::receiver::Receiver;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

const WEB: &str = "acme/web";
const API: &str = "acme/api";
const MOBILE: &str = "acme/mobile";

const RULES: &str = "areas:
  migrations:
    paths: [migrations/**]
    owners: [barbara]
    severity: hard
  infrastructure:
    paths: [deploy/**]
    owners: [ken]
    severity: hard
shared_files:
  - package-lock.json
  - CHANGELOG.md
";

/// What is still held: when it was claimed in minutes ago, who has it, where, what, and why.
const HELD: [(i64, &str, &str, &str, &str); 36] = [
    (1130, "ken", API, "deploy/terraform/**", "move the cluster to the new region"),
    (1015, "barbara", API, "migrations/0042_invoices.sql", "invoices get a currency"),
    (840, "margaret", MOBILE, "ios/App/Payments/**", "card payments"),
    (655, "margaret", MOBILE, "ios/App/Receipts/ReceiptView.swift", "card payments"),
    (610, "edsger", MOBILE, "shared/sync/**", "a queue that survives a restart"),
    (545, "ada", WEB, "src/auth/session.ts", "sessions end after a day"),
    (545, "ada", WEB, "src/auth/cookies.ts", "sessions end after a day"),
    (500, "grace", WEB, "src/search/**", "search by tag"),
    (480, "ken", API, "internal/gateway/limits.go", "a limit for each key"),
    (455, "ken", API, "internal/gateway/limits_test.go", "a limit for each key"),
    (430, "barbara", API, "internal/invoices/store.go", "invoices get a currency"),
    (430, "barbara", API, "internal/invoices/currency.go", "invoices get a currency"),
    (395, "claude-1", WEB, "src/components/Table.tsx", "tables can be sorted"),
    (395, "claude-1", WEB, "src/components/Table.test.tsx", "tables can be sorted"),
    (370, "claude-1", WEB, "src/components/SortButton.tsx", "tables can be sorted"),
    (340, "codex-2", API, "internal/orders/handler.go", "orders can be cancelled"),
    (340, "codex-2", API, "internal/orders/handler_test.go", "orders can be cancelled"),
    (315, "codex-2", API, "internal/orders/cancel.go", "orders can be cancelled"),
    (290, "edsger", MOBILE, "android/app/src/main/java/sync/**", "a queue that survives a restart"),
    (265, "claude-2", WEB, "src/i18n/de/**", "German for the checkout"),
    (265, "claude-2", WEB, "src/i18n/keys.ts", "German for the checkout"),
    (240, "grace", WEB, "e2e/search.spec.ts", "search by tag"),
    (220, "ada", WEB, "docs/sessions.md", "sessions end after a day"),
    (200, "codex-1", MOBILE, "shared/api/client.ts", "retries with a backoff"),
    (200, "codex-1", MOBILE, "shared/api/retry.ts", "retries with a backoff"),
    (185, "codex-1", MOBILE, "shared/api/retry.test.ts", "retries with a backoff"),
    (150, "ken", API, "docs/limits.md", "a limit for each key"),
    (130, "claude-2", WEB, "src/checkout/Summary.tsx", "German for the checkout"),
    (105, "margaret", MOBILE, "ios/App/Settings/CardList.swift", "card payments"),
    (90, "grace", WEB, "src/tags/**", "search by tag"),
    (75, "codex-2", API, "openapi/orders.yaml", "orders can be cancelled"),
    (60, "barbara", API, "internal/invoices/export.go", "invoices get a currency"),
    (45, "claude-1", WEB, "src/pages/Orders.tsx", "tables can be sorted"),
    (30, "edsger", MOBILE, "docs/offline.md", "how sync works offline"),
    (18, "codex-1", MOBILE, "shared/api/README.md", "retries with a backoff"),
    (6, "ada", WEB, "src/auth/logout.ts", "sessions end after a day"),
];

/// What was held within the day: from when and until when in minutes ago.
const OVER: [(i64, i64, &str, &str, &str); 16] = [
    (1420, 1300, "grace", WEB, "src/search/index.ts"),
    (1405, 1180, "ada", WEB, "src/auth/login.ts"),
    (1390, 1235, "ken", API, "internal/gateway/router.go"),
    (1360, 1110, "claude-1", WEB, "src/components/Modal.tsx"),
    (1300, 1075, "codex-2", API, "internal/orders/list.go"),
    (1180, 900, "margaret", MOBILE, "ios/App/Cart/**"),
    (1050, 820, "edsger", MOBILE, "shared/sync/log.ts"),
    (960, 700, "claude-2", WEB, "src/i18n/fr/**"),
    (880, 640, "barbara", API, "internal/invoices/pdf.go"),
    (790, 560, "codex-1", MOBILE, "shared/api/errors.ts"),
    (730, 450, "ada", WEB, "src/auth/token.ts"),
    (640, 330, "grace", WEB, "src/search/rank.ts"),
    (520, 240, "ken", API, "internal/gateway/metrics.go"),
    (410, 140, "claude-1", WEB, "src/components/Menu.tsx"),
    (300, 85, "codex-2", API, "internal/orders/refund.go"),
    (170, 20, "margaret", MOBILE, "ios/App/Cart/CartView.swift"),
];

/// Declarations that two have side by side in one file: the minutes ago, the two, where, and what each has.
const TOGETHER: [(i64, &str, &str, &str, &str, &str, &str); 4] = [
    (350, "claude-1", "grace", WEB, "src/api/client.ts", "Client::listOrders", "Client::searchTags"),
    (280, "codex-2", "ken", API, "internal/server/server.go", "Server::Orders", "Server::Limits"),
    (160, "claude-2", "ada", WEB, "src/app/routes.ts", "checkoutRoutes", "authRoutes"),
    (50, "codex-1", "edsger", MOBILE, "shared/app/boot.ts", "startClient", "startSync"),
];

/// What many want at once, and how often within the month.
const WANTED: [(&str, &str, i64); 4] = [
    (WEB, "package-lock.json", 14),
    (WEB, "src/app/store.ts", 9),
    (API, "internal/server/config.go", 7),
    (MOBILE, "shared/app/strings.json", 5),
];

const EVERYBODY: [&str; 10] =
    ["ada", "barbara", "claude-1", "claude-2", "codex-1", "codex-2", "edsger", "grace", "ken", "margaret"];

/// The service, and what must not end before it.
pub(crate) struct Busy {
    pub(crate) server: Server,
    _waiting: Vec<Connection>,
    _receiver: Receiver,
    _directory: TempDir,
}

/// What is yet to come, in order of time.
type Plan = Vec<(i64, Box<dyn FnOnce(&mut Story)>)>;

struct Story {
    server: Server,
    waiting: Vec<Connection>,
    /// How many minutes ago it is for the service.
    ago: Arc<AtomicI64>,
}

impl Busy {
    /// A service that has come to the present.
    pub(crate) fn start() -> Busy {
        let directory = TempDir::with_prefix("coord-busy-").unwrap();
        let receiver = Receiver::willing();
        let ago = Arc::new(AtomicI64::new(30 * DAY));
        let told = ago.clone();
        let clock = Clock::new(move || Timestamp(clock::now().0 - told.load(Ordering::SeqCst) * MINUTE));
        let hook = receiver.url("/hooks/coord");
        let more = [("COORD_WEBHOOK_URL", hook.as_str()), ("COORD_REQUEST_TTL_SHORT_SEC", "3600")];
        let server = Server::at_with(&directory.path().join("coord.db"), 0, clock, &more);
        let mut story = Story { server, waiting: Vec::new(), ago };
        let mut plan = plan();
        plan.sort_by_key(|(ago, _)| -ago);
        for (ago, step) in plan {
            story.ago.store(ago, Ordering::SeqCst);
            step(&mut story);
        }
        story.ago.store(0, Ordering::SeqCst);
        let Story { server, waiting, .. } = story;
        Busy { server, _waiting: waiting, _receiver: receiver, _directory: directory }
    }
}

impl Story {
    /// Claims one thing, which must be free, and returns the claim's id.
    #[track_caller]
    fn claim(&self, engineer: &str, repo: &str, item: &Value, why: &str) -> String {
        let body = request(engineer, repo, item, why);
        post(&self.server, "/claims", &body)["claim_ids"][0].as_str().unwrap().into()
    }

    /// Wants what somebody has, and is turned away.
    #[track_caller]
    fn refused(&self, engineer: &str, repo: &str, pattern: &str) {
        let body = request(engineer, repo, &file(pattern), "");
        assert_eq!(self.server.call("POST", "/claims", Some(&body)).code(), 409, "{engineer} {pattern}");
    }

    /// Waits for what somebody has.
    fn wait(&mut self, engineer: &str, repo: &str, pattern: &str, urgency: &str) {
        let mut body = request(engineer, repo, &file(pattern), "");
        body["wait_seconds"] = json!(600);
        body["urgency"] = json!(urgency);
        let mut connection = self.server.connect();
        connection.send(self.server.request("POST", "/claims", Some(&body), &[]));
        self.waiting.push(connection);
        let count = self.waiting.len();
        until(|| get(&self.server, "/requests?queued=true")["count"] == json!(count));
    }

    fn release(&self, id: &str) {
        post(&self.server, "/claims/release", &json!({"claim_ids": [id]}));
    }

    /// The claim on a pattern.
    fn holding(&self, repo: &str, pattern: &str) -> Value {
        let all = get(&self.server, &format!("/claims?repo={repo}"));
        let found = all["claims"].as_array().unwrap().iter().find(|claim| claim["pattern"] == json!(pattern));
        found.unwrap_or_else(|| panic!("nobody has {pattern}: {all}")).clone()
    }

    fn ask(&self, requester: &str, repo: &str, pattern: &str, urgency: &str, reason: &str) -> String {
        ask(&self.server, requester, &text(&self.holding(repo, pattern), "id"), urgency, reason)
    }

    fn answer(&self, request: &str, answer: &Value) {
        post(&self.server, &format!("/requests/{request}/respond"), answer);
    }
}

fn request(engineer: &str, repo: &str, item: &Value, why: &str) -> Value {
    let branch: String = why.split(' ').take(2).collect::<Vec<_>>().join("-").to_lowercase();
    json!({"engineer": engineer, "repo": repo, "branch": branch, "description": why, "ttl_hours": 24, "claims": [item]})
}

fn file(pattern: &str) -> Value {
    json!({"type": "file", "pattern": pattern})
}

fn symbol(pattern: &str, name: &str) -> Value {
    json!({"type": "file", "pattern": pattern, "symbols": [name]})
}

/// Everything that happens, with how many minutes ago.
fn plan() -> Plan {
    let mut plan = Plan::new();
    let mut at = |ago: i64, step: Box<dyn FnOnce(&mut Story)>| plan.push((ago, step));
    month(&mut at);
    at(DAY + 300, Box::new(|story| upload(&story.server)));
    for (ago, engineer, repo, pattern, why) in HELD {
        at(ago, Box::new(move |story| drop(story.claim(engineer, repo, &file(pattern), why))));
    }
    for (from, to, engineer, repo, pattern) in OVER {
        at(from, Box::new(move |story| drop(story.claim(engineer, repo, &file(pattern), ""))));
        at(to, Box::new(move |story| story.release(&text(&story.holding(repo, pattern), "id"))));
    }
    for (ago, one, other, repo, pattern, first, second) in TOGETHER {
        at(ago, Box::new(move |story| drop(story.claim(one, repo, &symbol(pattern, first), ""))));
        at(ago - 5, Box::new(move |story| drop(story.claim(other, repo, &symbol(pattern, second), ""))));
    }
    // One declaration is carved out of a file that somebody has as a whole.
    at(
        310,
        Box::new(|story| {
            drop(story.claim("ken", API, &symbol("internal/orders/handler.go", "Handler::Health"), ""))
        }),
    );
    for (ago, engineer) in [(120, "claude-2"), (95, "grace"), (40, "claude-1")] {
        let item = json!({"type": "shared_file", "pattern": "package-lock.json"});
        at(ago, Box::new(move |story| drop(story.claim(engineer, WEB, &item, "a new dependency"))));
    }
    requests(&mut at);
    for (ago, engineer, repo, pattern, urgency) in [
        (8, "grace", WEB, "src/auth/session.ts", "normal"),
        (7, "claude-2", WEB, "src/auth/session.ts", "low"),
        (5, "codex-2", API, "internal/invoices/store.go", "high"),
        (4, "ken", API, "internal/orders/cancel.go", "normal"),
        (2, "margaret", MOBILE, "shared/sync/queue.ts", "blocking"),
    ] {
        at(ago, Box::new(move |story| story.wait(engineer, repo, pattern, urgency)));
    }
    plan
}

/// The weeks before the last day.
fn month(at: &mut impl FnMut(i64, Box<dyn FnOnce(&mut Story)>)) {
    for day in 2..30 {
        // Five days of work, two of rest.
        let busy = if day % 7 < 2 { 0 } else { day * 5 % 4 };
        for (nth, repo) in [WEB, API, MOBILE].into_iter().enumerate() {
            let pairs = (busy - nth as i64).max(0);
            at(day * DAY, Box::new(move |story| pairs_in(story, repo, pairs)));
        }
    }
    for (nth, (repo, pattern, times)) in (0..).zip(WANTED) {
        at((20 - nth) * DAY, Box::new(move |story| crowd(story, repo, pattern, times)));
    }
}

/// Pairs who worked in one file side by side, and were done.
fn pairs_in(story: &mut Story, repo: &str, pairs: i64) {
    for pair in 0..pairs {
        let [one, other] = [0, 5].map(|from| EVERYBODY[from + pair as usize]);
        let held = [(one, "first"), (other, "second")]
            .map(|(engineer, name)| story.claim(engineer, repo, &symbol("src/main.ts", name), ""));
        held.iter().for_each(|id| story.release(id));
    }
}

/// So many who wanted what one of them had.
fn crowd(story: &mut Story, repo: &str, pattern: &str, times: i64) {
    let id = story.claim("ada", repo, &file(pattern), "");
    (0..times).for_each(|n| story.refused(EVERYBODY[1 + n as usize % 9], repo, pattern));
    story.release(&id);
}

/// Who asked whom, and what came of it.
fn requests(at: &mut impl FnMut(i64, Box<dyn FnOnce(&mut Story)>)) {
    at(
        600,
        Box::new(|story| {
            let id = story.ask("claude-2", WEB, "src/auth/token.ts", "normal", "the checkout reads tokens");
            story.answer(
                &id,
                &json!({"decision": "denied", "engineer": "ada", "note": "half of it is moving"}),
            );
        }),
    );
    at(
        380,
        Box::new(|story| {
            let id = story.ask("codex-1", MOBILE, "shared/sync/**", "high", "retries end in the log");
            let part =
                json!({"decision": "coexist", "engineer": "edsger", "coexist_pattern": "shared/sync/log.ts"});
            story.answer(&id, &part);
        }),
    );
    at(
        230,
        Box::new(|story| {
            let id = story.ask("claude-1", WEB, "src/search/**", "normal", "sorting needs the result list");
            let part = json!({"decision": "narrowed", "engineer": "grace", "narrowed_pattern": "src/search/tags/**"});
            story.answer(&id, &part);
        }),
    );
    for (ago, engineer, repo, pattern) in [
        (700, "codex-2", API, "migrations/0042_invoices.sql"),
        (330, "claude-2", WEB, "src/auth/session.ts"),
        (210, "codex-1", MOBILE, "ios/App/Payments/CardForm.swift"),
        (110, "ken", API, "internal/invoices/store.go"),
        (55, "claude-1", WEB, "src/checkout/Summary.tsx"),
        (25, "grace", WEB, "src/auth/cookies.ts"),
        (12, "codex-1", MOBILE, "shared/sync/queue.ts"),
    ] {
        at(ago, Box::new(move |story| story.refused(engineer, repo, pattern)));
    }
    for (ago, engineer, repo, pattern, urgency, reason) in [
        (52, "claude-1", WEB, "src/checkout/Summary.tsx", "normal", "the order table links to the summary"),
        (24, "grace", WEB, "src/auth/cookies.ts", "low", "one name to change, when you get to it"),
        (
            14,
            "codex-2",
            API,
            "migrations/0042_invoices.sql",
            "high",
            "cancelled orders need a column in the same release",
        ),
        (11, "codex-1", MOBILE, "ios/App/Payments/**", "blocking", "the build is broken in CardForm.swift"),
    ] {
        at(ago, Box::new(move |story| drop(story.ask(engineer, repo, pattern, urgency, reason))));
    }
}

fn upload(server: &Server) {
    let head = server.request("POST", "/config/ownership", None, &[]);
    let head = head.trim_end();
    let reply = server.raw(&format!("{head}\r\nContent-Length: {}\r\n\r\n{RULES}", RULES.len()));
    assert_eq!(reply.code(), 200, "{reply:?}");
}
