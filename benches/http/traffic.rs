//! What is claimed, and what is asked.
//!
//! The data is the same on every run: paths as of a large monorepo, numbered, so that nothing that is claimed meets
//! anything else and every check is known to hit or to miss.

use crate::load::Traffic;
use crate::support::{Client, REPO, Result, Service, request};

/// Claims of one request, as the service takes at most.
const BATCH: usize = 1000;

/// Items in a request that claims what begins with a wildcard.
const MEETING_BATCH: usize = 100;

/// The same for 0.27, which is slow.
const OLD_BATCH: usize = 100;

/// One claim in so many begins with a wildcard.
const LEADING_WILDCARDS: usize = 1000;

/// How many different checks there are, half of which hit.
const CHECKS: usize = 8192;

/// The engineers who hold single files and narrow globs.
const ENGINEERS: usize = 40;

/// A file that is somebody's if `kind` says so; no two numbers or kinds share one.
fn file(kind: &str, number: usize) -> String {
    const TOPS: [&str; 4] = ["services", "packages", "apps", "libs"];
    const AREAS: [&str; 5] = ["api", "ui", "core", "store", "jobs"];
    const EXTENSIONS: [&str; 4] = ["ts", "go", "rs", "py"];
    // Spreads the numbers over the directories as chance would.
    let mixed = number.wrapping_mul(0x9E37_79B1) >> 7;
    let (top, unit, area) = (TOPS[mixed % 4], mixed / 4 % 60, AREAS[mixed / 240 % 5]);
    format!("{top}/unit-{unit}/src/{area}/{kind}{number}.{}", EXTENSIONS[mixed / 1200 % 4])
}

/// What the claim of a number covers: mostly one file, some directories and globs, few that begin with a wildcard.
fn pattern(number: usize) -> String {
    if number.is_multiple_of(LEADING_WILDCARDS) {
        return format!("**/gen_{number}_*.ts");
    }
    let file = file("held", number);
    let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
    match number % 100 {
        0..90 => file,
        90..95 => format!("{stem}/**"),
        95..98 => format!("{stem}/*_test.go"),
        _ => format!("{stem}/**/fixtures/*.json"),
    }
}

/// A file that the claim of a number covers.
fn covered(number: usize) -> String {
    pattern(number)
        .replacen("**/gen_", "tools/gen_", 1)
        .replace("**/", "a/b/")
        .replace("**", "a/b.ts")
        .replace('*', "x")
}

/// Makes so many claims.
pub(crate) fn preload(service: &Service, active: usize, old: bool) -> Result<()> {
    let mut client = service.client()?;
    let batch = if old { OLD_BATCH } else { BATCH };
    // A leading wildcard meets every whole directory, so one engineer has them all.
    let meets = |pattern: &String| pattern.starts_with("**") || pattern.ends_with("/**");
    let (meeting, apart): (Vec<String>, Vec<String>) = (0..active).map(pattern).partition(meets);
    // One request may look at only so many places, and each of these looks at all of them.
    let shared = meeting.chunks(batch.min(MEETING_BATCH)).map(|patterns| (ENGINEERS, patterns));
    let own = apart.chunks(batch).enumerate().map(|(place, patterns)| (place % ENGINEERS, patterns));
    for (engineer, patterns) in own.chain(shared) {
        let items: Vec<String> = patterns.iter().map(|pattern| item(pattern)).collect();
        claim(&mut client, &format!("engineer-{engineer}"), &items.join(","))?;
    }
    Ok(())
}

fn item(pattern: &str) -> String {
    format!(r#"{{"type":"file","pattern":"{pattern}"}}"#)
}

fn body(engineer: &str, items: &str) -> String {
    format!(r#"{{"engineer":"{engineer}","branch":"main","repo":"{REPO}","claims":[{items}]}}"#)
}

fn claim(client: &mut Client, engineer: &str, items: &str) -> Result<()> {
    match client.post("/claims", &body(engineer, items))? {
        (200, _) => Ok(()),
        (status, body) => Err(format!("a claim was answered {status}: {body:.500}").into()),
    }
}

/// One request, again and again: what a reply costs that asks for nothing.
pub(crate) struct Probes(Vec<u8>);

impl Probes {
    pub(crate) fn new() -> Probes {
        Probes(request("GET", "/health", ""))
    }
}

impl Traffic for Probes {
    fn request(&mut self, _: usize) -> &[u8] {
        &self.0
    }

    fn reply(&mut self, _: usize, status: u16, body: &[u8]) -> Result<bool> {
        expect(200, status, body)
    }
}

/// Checks of single files, every other one of which is held by somebody.
pub(crate) struct Checks {
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Checks {
    /// Makes the checks, and sees to it that the service answers some of them rightly.
    pub(crate) fn new(service: &Service, active: usize) -> Result<Checks> {
        let target = |place: usize| {
            // A stride that shares no factor with any number of claims goes through all of them.
            let number = (place / 2).wrapping_mul(7919) % active;
            let file = if place.is_multiple_of(2) { covered(number) } else { file("free", number) };
            format!("/conflicts?engineer=bench&pattern={file}&repo={REPO}")
        };
        let mut client = service.client()?;
        for place in 0..64 {
            let target = target(place);
            let (status, body) = client.get(&target)?;
            if status != 200 || body.contains(r#""has_conflicts":true"#) != place.is_multiple_of(2) {
                return Err(format!("{target} was answered {status}: {body:.500}").into());
            }
        }
        Ok(Checks {
            requests: (0..CHECKS).map(|place| request("GET", &target(place), "")).collect(),
            next: 0,
        })
    }
}

impl Traffic for Checks {
    fn request(&mut self, _: usize) -> &[u8] {
        self.next = (self.next + 1) % self.requests.len();
        &self.requests[self.next]
    }

    fn reply(&mut self, _: usize, status: u16, body: &[u8]) -> Result<bool> {
        expect(200, status, body)
    }
}

/// On each connection an engineer claims a file and lets it go, again and again, never the same file twice.
pub(crate) struct Cycles {
    turns: Vec<Turn>,
}

struct Turn {
    claim: Vec<u8>,
    release: Vec<u8>,
    /// Where the number of the file stands in the claim.
    digits: usize,
    /// How often the connection has claimed.
    count: usize,
    holds: bool,
}

/// The length of a claim's id.
const ID: usize = 36;

/// Digits of the number in a cycle's file.
const DIGITS: usize = 8;

impl Cycles {
    /// Makes the cycles of a run; runs of different names claim different files.
    pub(crate) fn new(connections: usize, run: &str) -> Cycles {
        let turn = |place: usize| {
            let name = file(&format!("{run}-{}-", "0".repeat(DIGITS)), place);
            let claim = request("POST", "/claims", &body(&format!("cycler-{place}"), &item(&name)));
            let release = request("DELETE", &format!("/claims/{}", "0".repeat(ID)), "");
            let digits = claim.windows(DIGITS).position(|part| part.iter().all(|&byte| byte == b'0'));
            Turn {
                claim,
                release,
                digits: digits.expect("a file has its number in it"),
                count: 0,
                holds: false,
            }
        };
        Cycles { turns: (0..connections).map(turn).collect() }
    }
}

impl Traffic for Cycles {
    fn request(&mut self, connection: usize) -> &[u8] {
        let turn = &mut self.turns[connection];
        if turn.holds {
            return &turn.release;
        }
        turn.count += 1;
        let mut rest = turn.count;
        for digit in turn.claim[turn.digits..][..DIGITS].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        &turn.claim
    }

    fn reply(&mut self, connection: usize, status: u16, body: &[u8]) -> Result<bool> {
        expect(200, status, body)?;
        let turn = &mut self.turns[connection];
        let completed = turn.holds;
        if completed {
            let one = body.ends_with(b":1}");
            one.then_some(())
                .ok_or_else(|| format!("a release was answered {}", String::from_utf8_lossy(body)))?;
        } else {
            const BEFORE: &[u8] = br#"{"claim_ids":[""#;
            let id = body.strip_prefix(BEFORE).and_then(|rest| rest.get(..ID)).ok_or("a claim has no id")?;
            let place = b"DELETE /claims/".len();
            turn.release[place..place + ID].copy_from_slice(id);
        }
        turn.holds = !completed;
        Ok(completed)
    }
}

fn expect(want: u16, status: u16, body: &[u8]) -> Result<bool> {
    if status == want {
        return Ok(true);
    }
    let body = String::from_utf8_lossy(body);
    Err(format!("a request was answered {status}: {body:.500}").into())
}
