//! What a wait shows on stderr: on a terminal one line that moves, elsewhere a line when it begins and one when it ends.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::claim::scope;
use super::context::now;
use super::output;
use crate::client::Waiting;
use crate::wire::moment;

/// How often the line moves.
const TICK: Duration = Duration::from_millis(100);

/// A wait that somebody may look at.
pub(super) struct Wait {
    began: Instant,
    until: Instant,
    spinner: Option<ProgressBar>,
    /// Whether nothing is said where nobody looks.
    silent: bool,
    said: Option<Said>,
}

/// What was said last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Waits,
    Away,
}

impl Wait {
    /// The beginning of a wait. With `silent`, only a terminal hears of it.
    pub(super) fn new(patience: Duration, silent: bool) -> Wait {
        let began = Instant::now();
        let spinner = io::stderr().is_terminal().then(spinner);
        Wait { began, until: began + patience, spinner, silent, said: None }
    }

    /// Shows how it goes on.
    pub(super) fn show(&mut self, waiting: Waiting<'_>) {
        let saying = if matches!(waiting, Waiting::Away) { Said::Away } else { Said::Waits };
        let left = countdown(self.until.saturating_duration_since(Instant::now()));
        let text = in_words(waiting, &left);
        if let Some(spinner) = &self.spinner {
            if self.said.is_none() {
                spinner.enable_steady_tick(TICK);
            }
            spinner.set_message(text);
        } else if !self.silent && self.said != Some(saying) {
            output::note(&text);
        }
        self.said = Some(saying);
    }

    /// Ends it, and says how long it was if it was one at all.
    pub(super) fn end(self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        if self.said.is_some() && !self.silent {
            output::note(&format!("waited {}", countdown(self.began.elapsed())));
        }
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is well formed");
    ProgressBar::new_spinner().with_style(style)
}

fn in_words(waiting: Waiting<'_>, left: &str) -> String {
    let now = now();
    match waiting {
        Waiting::InLine(place) => {
            let until = place.blocking_expires_at.as_deref().and_then(moment);
            let lasts = until.map(|at| format!(" for another {}", output::left(at, now))).unwrap_or_default();
            format!(
                "waiting for {}: number {}, giving up in {left}; {} has {}{lasts}",
                scope(&place.requester_pattern, place.symbols.as_deref()),
                place.position,
                output::clean(&place.blocking_engineer),
                output::clean(&place.blocking_pattern),
            )
        }
        Waiting::Asked(request) => {
            let until = moment(&request.shortened_expires_at);
            let lasts = until.map(|at| output::left(at, now)).unwrap_or_default();
            format!(
                "waiting for {} to answer, giving up in {left}; {} is theirs for another {lasts}",
                output::clean(&request.holder_engineer),
                output::clean(&request.holder_pattern),
            )
        }
        Waiting::Away => format!("the service is away or busy; asking again, giving up in {left}"),
    }
}

/// A short span to the second, as it runs out: `9m 58s`.
fn countdown(span: Duration) -> String {
    // What has just begun has all of its time left.
    let secs = (span + Duration::from_millis(500)).as_secs();
    match (secs / 60, secs % 60) {
        (0, secs) => format!("{secs}s"),
        (minutes, 0) if minutes < 60 => format!("{minutes}m"),
        (minutes, secs) if minutes < 60 => format!("{minutes}m {secs}s"),
        _ => output::span(Duration::from_secs(secs)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_shows_seconds() {
        for (millis, want) in
            [(499, "0s"), (2600, "3s"), (598_000, "9m 58s"), (599_900, "10m"), (7_500_000, "2h 5m")]
        {
            assert_eq!(countdown(Duration::from_millis(millis)), want);
        }
    }
}
