//! Setting a clone up for coord, taking that back, and keeping it current: what `init`, `uninit` and `upgrade` write.
//!
//! Two kinds of files are written. Some are committed, for every clone: what starts the tools' bridge, and how agents
//! are to use it. They hold placeholders and never a secret or a path of this machine. The others stand under
//! `.coordination/`, which git ignores, and carry the address, the token and the name of the repository.
//!
//! Three things always hold:
//!
//! * **All or nothing.** Everything is read and worked out first, as a [`Plan`]; a file that cannot be understood stops
//!   it before anything is written. Each file is then replaced as a whole.
//! * **Others' content stays.** Only a marked block, or one entry, of a shared file is ours. All other bytes stay where
//!   they are, so that taking ours out again gives back what was there.
//! * **Nothing is written through a symbolic link.** The link is named instead.
//!
//! | file | job |
//! |---|---|
//! | `tool` | the tools there are, their files, and which are in use |
//! | `block` | marked blocks in a text |
//! | `json`, `codex` | one entry in a JSON or TOML configuration |
//! | `guard` | the hook of a tool that guards edits |
//! | `content` | what is written into `.coordination/` |
//! | `owners` | the first ownership rules of a clone |
//! | `hook` | which file git runs before a push, and what is to stand in it |
//! | `plan` | changes of files: worked out, shown, done |
//! | `install`, `remove` | which changes set a clone up, and which take that back |
//!
//! Nothing here prints or asks.

mod block;
mod codex;
mod content;
mod error;
mod guard;
mod hook;
mod install;
mod json;
mod owners;
mod plan;
mod remove;
mod tool;

pub use block::Drift;
pub use content::Recorded;
pub use error::SetupError;
pub use hook::{HookState, Site, chained_beside};
pub use install::{Service, Setup, committed_for_service, committed_tokens};
pub use plan::{Change, Plan, State};
pub use remove::removal;
pub use tool::Tool;

/// Where the clone's own settings are, below the directory that was set up.
pub const DIRECTORY: &str = ".coordination";

/// What committed files hold in place of an address: where `coord start` serves.
pub const PLACEHOLDER_URL: &str = "http://127.0.0.1:8080";

/// What committed files hold in place of a token.
pub const PLACEHOLDER_TOKEN: &str = "set-me";

/// What committed files hold in place of a repository's name.
pub const PLACEHOLDER_REPO: &str = "example-org/example-repo";
