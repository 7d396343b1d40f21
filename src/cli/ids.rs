//! Ids as people write them: the start of one is enough.

use super::CliError;
use super::error::Kind;

/// Fewer hex digits than this are more likely a name than the start of an id.
const SHORTEST: usize = 4;

/// Whether a word is an id, or the start of it.
pub(super) fn is_start_of(name: &str, id: &str) -> bool {
    name.len() >= SHORTEST && id.starts_with(&name.to_ascii_lowercase())
}

/// What is said when a word is the start of several ids.
pub(super) fn several(name: &str, ids: &[&str]) -> CliError {
    let error = format!("{name} is the start of {} ids: {}", ids.len(), ids.join(", "));
    CliError::new(Kind::Usage, error).hint("write more of the one you mean")
}

/// The one row whose id a word is, or is the start of.
pub(super) fn find<'a, T>(
    rows: &'a [T],
    name: &str,
    id: impl Fn(&T) -> &str,
) -> Result<Option<&'a T>, CliError> {
    let found: Vec<&T> = rows.iter().filter(|row| is_start_of(name, id(row))).collect();
    match found.as_slice() {
        [] => Ok(None),
        [row] => Ok(Some(row)),
        rows => Err(several(name, &rows.iter().map(|row| id(row)).collect::<Vec<_>>())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_one_id_is_enough() {
        let ids = ["deadbeef-1", "deadbeef-2", "cafe0000-3"];
        let found = |name: &str| find(&ids, name, |id| id).map(|id| id.copied());
        assert_eq!(found("CAFE").unwrap(), Some("cafe0000-3"));
        assert_eq!(found("deadbeef-2").unwrap(), Some("deadbeef-2"));
        assert_eq!(found("caf").unwrap(), None, "too short for an id");
        assert_eq!(found("abcd").unwrap(), None);
        assert!(found("deadbeef").is_err());
    }
}
