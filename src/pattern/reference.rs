//! The textual rules once more, written naively and for tests only: what the rest is held against.
//!
//! Works on strings and by trying everything. Shares no code with what it checks.

/// One character that a segment asks for, or a star.
enum Wanted {
    Star,
    One(Vec<(char, char)>, bool),
}

fn wanted(segment: &str) -> Vec<Wanted> {
    let text: Vec<char> = segment.chars().collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let close = || {
            let first = if matches!(text.get(i + 1), Some('!' | '^')) { i + 2 } else { i + 1 };
            (first + 1..text.len()).find(|&j| text[j] == ']').map(|close| (first, close))
        };
        match text[i] {
            '*' => found.push(Wanted::Star),
            '?' => found.push(Wanted::One(Vec::new(), true)),
            '[' if close().is_some() => {
                let (first, close) = close().unwrap();
                let mut ranges = Vec::new();
                let mut j = first;
                while j < close {
                    if j + 2 < close && text[j + 1] == '-' {
                        ranges.push((text[j], text[j + 2]));
                        j += 3;
                    } else {
                        ranges.push((text[j], text[j]));
                        j += 1;
                    }
                }
                found.push(Wanted::One(ranges, first == i + 2));
                i = close;
            }
            c => found.push(Wanted::One(vec![(c, c)], false)),
        }
        i += 1;
    }
    found
}

fn name_fits(wanted: &[Wanted], name: &[char]) -> bool {
    match wanted {
        [] => name.is_empty(),
        [Wanted::Star, rest @ ..] => (0..=name.len()).any(|skip| name_fits(rest, &name[skip..])),
        [Wanted::One(ranges, negated), rest @ ..] => match name {
            [c, others @ ..] => {
                ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated && name_fits(rest, others)
            }
            [] => false,
        },
    }
}

fn segment_fits(segment: &str, name: &str) -> bool {
    name_fits(&wanted(segment), &name.chars().collect::<Vec<_>>())
}

fn is_plain(wanted: &Wanted) -> Option<char> {
    match wanted {
        Wanted::One(ranges, false) if ranges.iter().all(|&(a, b)| a == b && a == ranges[0].0) => {
            Some(ranges[0].0)
        }
        _ => None,
    }
}

fn has_extension(segment: &str) -> bool {
    let wanted = wanted(segment);
    (1..wanted.len().max(1) - 1).any(|i| is_plain(&wanted[i]) == Some('.'))
}

fn path_fits(segments: &[&str], beneath: bool, names: &[&str]) -> bool {
    match segments {
        ["**"] => !names.is_empty(),
        [last] => match names {
            [] => false,
            [name, below @ ..] => {
                let depth_fits = if beneath {
                    !below.is_empty()
                } else {
                    below.is_empty() || !(last.chars().all(|c| c == '*') || has_extension(last))
                };
                depth_fits && segment_fits(last, name)
            }
        },
        ["**", rest @ ..] => (0..=names.len()).any(|skip| path_fits(rest, beneath, &names[skip..])),
        [segment, rest @ ..] => match names {
            [name, below @ ..] => segment_fits(segment, name) && path_fits(rest, beneath, below),
            [] => false,
        },
        [] => unreachable!("a pattern has a segment"),
    }
}

/// Says whether a text that is a pattern covers a possible path.
pub(super) fn covers(text: &str, path: &str) -> bool {
    let mut text = text.replace('\\', "/");
    while text.contains("//") {
        text = text.replace("//", "/");
    }
    while let Some(rest) = text.strip_prefix("./") {
        text = rest.to_owned();
    }
    let names: Vec<&str> = path.split('/').collect();
    let segments: Vec<&str> = text.trim_matches('/').split('/').collect();
    let floats = !text.contains('/') && wanted(&text).iter().any(|wanted| is_plain(wanted).is_none());
    (0..if floats { names.len() } else { 1 })
        .any(|skip| path_fits(&segments, text.ends_with('/'), &names[skip..]))
}
