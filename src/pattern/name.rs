//! A name as the index keeps it: in place if short.
//!
//! A query that begins with a wildcard looks at the name of every claimed file. Following a pointer to each
//! costs more than everything else about it, and most names have fewer bytes than the pointer and its
//! allocation.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest name kept in place, in bytes: what makes a [`Name`] three words.
const IN_PLACE: usize = 22;

/// One segment of a path. Compares and hashes as its bytes.
#[derive(Clone)]
pub(super) enum Name {
    /// The length and that many bytes, of UTF-8.
    Short(u8, [u8; IN_PLACE]),
    /// A name too long for that.
    Long(Box<str>),
}

impl Name {
    /// Copies a name.
    pub(super) fn new(name: &str) -> Name {
        let mut bytes = [0; IN_PLACE];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(name.as_bytes());
                Name::Short(length, bytes)
            }
            _ => Name::Long(name.into()),
        }
    }

    /// Returns the name.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Name::Short(..) => str::from_utf8(self.as_bytes()).expect("copied from a string"),
            Name::Long(name) => name,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Name::Short(length, bytes) => &bytes[..usize::from(*length)],
            Name::Long(name) => name.as_bytes(),
        }
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_whatever_its_length() {
        assert_eq!(size_of::<Name>(), 24);
        for length in 0..64 {
            let text = "é".repeat(length / 2) + &"a".repeat(length % 2);
            assert_eq!(Name::new(&text).as_str(), text);
        }
    }
}
