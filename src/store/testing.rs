//! What the tests of the store share: requests in short, and a story that leaves something in every table.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use super::sqlite::Sqlite;
use super::{KeptAnswer, Missed, Store};
use crate::engine::{
    Ask, Changes, Claim, ClaimId, ClaimType, Command, Decision, HostId, ItemRequest, Policy, QueueId,
    Request, RequestId, Response, Revision, Scope, SetOwnership, Severity, State, Timestamp, Urgency, Wait,
};
use crate::pattern::Pattern;

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_500);

pub(super) fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("coord.db")
}

pub(super) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(super) fn request(
    engineer: &str,
    session: Option<&str>,
    room: Option<&str>,
    items: Vec<ItemRequest>,
) -> Command {
    Command::Claim(Request {
        room: room.map(Arc::from),
        engineer: engineer.into(),
        session: session.map(Arc::from),
        branch: Some("feature/é".into()),
        description: None,
        ttl: Some(Duration::from_secs(3600)),
        items,
    })
}

pub(super) fn item(id: u128, kind: ClaimType, pattern: Pattern, symbols: Option<&[&str]>) -> ItemRequest {
    let symbols = symbols.map(|names| names.iter().map(|&name| Box::from(name)).collect());
    let scope = Scope { pattern: Arc::new(pattern), symbols };
    ItemRequest { id: ClaimId(Uuid::from_u128(id)), kind, scope, narrowable: None, severity: Severity::Soft }
}

pub(super) fn glob(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// One claim of a file that is named by its number.
pub(super) fn simple(number: u128) -> Command {
    request("ada", None, None, vec![item(number, ClaimType::File, glob(&format!("f{number}.ts")), None)])
}

/// Grants, sharing, extensions and endings of every kind, in several rooms and sessions.
pub(super) fn story() -> Vec<(i64, Command)> {
    let id = |id| ClaimId(Uuid::from_u128(id));
    let severe =
        ItemRequest { severity: Severity::Hard, ..item(3, ClaimType::Module, glob("./lib//"), None) };
    vec![
        (
            0,
            request("ada", Some("s"), Some("org/repo"), vec![item(1, ClaimType::File, glob("src/**"), None)]),
        ),
        (
            1,
            request(
                "bob",
                Some("t"),
                Some("org/repo"),
                vec![
                    item(2, ClaimType::File, glob("src/*.ts"), Some(&["A::run", "say \"hi\"", "é"])),
                    severe,
                ],
            ),
        ),
        (
            2,
            request(
                "cyd",
                None,
                Some("org/repo"),
                vec![item(4, ClaimType::File, Pattern::literal("src/[id].ts").unwrap(), Some(&["B"]))],
            ),
        ),
        (3, request("", Some("u"), None, vec![item(5, ClaimType::SharedFile, glob("x.lock"), None)])),
        (
            4,
            request(
                "dan",
                Some("u"),
                Some(""),
                vec![item(6, ClaimType::Other("word".into()), glob("*"), None)],
            ),
        ),
        (5, Command::Extend { id: id(4), engineer: "cyd".into(), ttl: Duration::from_secs(9) }),
        (700_000, Command::Touch { sessions: vec!["s".into(), "t".into()] }),
        (700_001, Command::Release { ids: vec![id(3)], engineer: Some("bob".into()) }),
        (1_500_000, request("eve", Some("v"), None, vec![item(7, ClaimType::File, glob("y/"), None)])),
        (1_500_001, Command::ReleaseSession { session: "v".into() }),
        (1_500_002, request("eve", Some("v"), None, vec![item(8, ClaimType::File, glob("y/"), None)])),
        (2_000_000, Command::Tick),
    ]
}

/// What follows on [`story`] since claims can be waited for and asked for: two ask, the holder agrees to share with one,
/// somebody waits, and a rule is set.
pub(super) fn later() -> Vec<(i64, Command)> {
    let wanted = |id: u128| Uuid::from_u128(id);
    let ask = |id: u128, requester: &str| {
        Command::Ask(Ask {
            id: RequestId(wanted(id)),
            claim: ClaimId(wanted(1)),
            requester: requester.into(),
            session: None,
            reason: Some("hot fix".into()),
            urgency: "high".into(),
            requested_scope: None,
        })
    };
    let agree = Response {
        id: RequestId(wanted(101)),
        decision: Decision::Coexist {
            pattern: Arc::new(glob("src/zz/**")),
            claim: ClaimId(wanted(103)),
            severity: Severity::Soft,
        },
        engineer: Some("ada".into()),
        session: None,
        note: Some("mind the tests".into()),
    };
    let Command::Claim(wait) =
        request("ina", None, Some("org/repo"), vec![item(104, ClaimType::File, glob("src/x.rs"), None)])
    else {
        unreachable!("it is a claim")
    };
    let patience = Wait {
        id: QueueId(wanted(105)),
        patience: Duration::from_secs(86_400),
        urgency: Urgency::High,
        host: HostId(wanted(106)),
    };
    let rules = SetOwnership {
        text: "shared_files: ['*.lock']\n".into(),
        shared: vec![Arc::new(glob("*.lock"))],
        after: None,
        adjustments: Vec::new(),
    };
    vec![
        (2_000_001, ask(101, "hal")),
        (2_000_002, Command::Respond(agree)),
        (2_000_003, ask(102, "gil")),
        (2_000_004, Command::Wait(Arc::new(wait), patience)),
        (2_000_005, Command::SetOwnership(rules)),
    ]
}

/// Decides commands one by one, each in a transaction of its own.
pub(super) fn play(store: &mut Sqlite, state: &mut State, story: &[(i64, Command)]) {
    let policy = Policy::default();
    for (after, command) in story {
        let mut changes = Changes::default();
        assert!(matches!(store.begin(state.revision()).unwrap(), Missed::Nothing | Missed::Changes(_)));
        state.decide(&policy, Timestamp(NOW.0 + after), command, &mut changes);
        store.append(&changes, &[], &[]).unwrap();
        store.commit().unwrap();
    }
}

/// What a state holds, field by field.
pub(super) fn rows(state: &State) -> Vec<String> {
    let last = |claim: &Arc<Claim>| state.last_activity(claim);
    let claims = state.claims().map(|claim| format!("{claim:?} {:?}", last(claim)));
    std::iter::once(format!("{:?}", state.revision())).chain(claims).collect()
}

pub(super) fn schema(path: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

pub(super) fn answer(key: &str) -> KeptAnswer {
    KeptAnswer {
        key: key.into(),
        fingerprint: "f".into(),
        at: NOW,
        receipt: crate::engine::Receipt {
            granted: vec![crate::engine::Granted {
                id: ClaimId(Uuid::from_u128(7)),
                expires_at: NOW,
                coexists_with: Vec::new(),
            }],
            revision: Revision(9),
            silent_at: Some(NOW),
        },
    }
}
