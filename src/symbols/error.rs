//! Why a file's symbols could not be read.

use super::{MAX_BYTES, MAX_SYMBOLS};

/// A file whose symbols were not read. Broken syntax is not among the reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolError {
    /// The name of the file does not say that it is in a language with a grammar.
    #[error("no grammar reads `{path}`; symbols are known in TypeScript, JavaScript, Python and Go")]
    UnknownLanguage {
        /// The file as it was named.
        path: String,
    },
    /// The source is over [`MAX_BYTES`].
    #[error("the file is over the limit of {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// The source has a NUL byte.
    #[error("the file is binary, not source code")]
    Binary,
    /// The source was not understood within the time allowed for it.
    #[error("the file is too intricate: reading it took over {secs} seconds")]
    TooSlow {
        /// The time allowed.
        secs: u64,
    },
    /// The source has over [`MAX_SYMBOLS`] symbols.
    #[error("the file has over {MAX_SYMBOLS} symbols")]
    TooMany,
}
