//! Reading the small text files that configure a workspace.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::WorkspaceError;

/// The most of any configuration file that is read.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Reads a whole UTF-8 file of at most [`MAX_FILE_BYTES`].
pub(super) fn read_text(path: &Path) -> Result<String, WorkspaceError> {
    let failed = |source| WorkspaceError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(WorkspaceError::TooLarge { path: path.to_owned(), limit_bytes: MAX_FILE_BYTES });
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}

/// Whether `path` is a regular file, also through a link.
///
/// Absence is an answer. Anything else that keeps us from looking is an error: taking a file we may not see for one
/// that is not there would quietly configure something else.
pub(super) fn is_file(path: &Path) -> Result<bool, WorkspaceError> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(source) => Err(WorkspaceError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Sandbox;

    #[test]
    fn reads_text_and_refuses_what_is_not() {
        let sandbox = Sandbox::new();
        assert_eq!(read_text(&sandbox.write("ok", "é\n")).unwrap(), "é\n");

        let large = sandbox.write("large", "x".repeat(MAX_FILE_BYTES as usize + 1));
        assert!(matches!(read_text(&large), Err(WorkspaceError::TooLarge { .. })));

        let binary = sandbox.write("binary", [0xff, 0xfe]);
        let error = read_text(&binary).unwrap_err();
        assert!(error.to_string().contains("binary"), "{error}");
    }

    #[test]
    fn absence_is_an_answer() {
        let sandbox = Sandbox::new();
        let file = sandbox.write("file", "");
        assert!(is_file(&file).unwrap());
        assert!(!is_file(&sandbox.path("")).unwrap());
        assert!(!is_file(&sandbox.path("missing")).unwrap());
        assert!(!is_file(&file.join("beneath")).unwrap());
    }
}
