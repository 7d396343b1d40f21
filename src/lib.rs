//! Who is working where: claims on files, globs and symbols of one codebase, for engineers and coding agents.
//!
//! ```text
//!  CLI, MCP   edit and push hooks        HTTP server
//!      \         /          \              /      \
//!    HTTP client          embedded       routes   timers
//!                              \          /
//!                               coordinator          the only impure loop: commands in, outcomes out
//!                                    |
//!                                engine (pure)       decide(now, command) -> outcome + changes
//!                                    |
//!                                  store             the changes of many decisions in one transaction
//! ```
//!
//! | module | its job | may import |
//! |---|---|---|
//! | [`pattern`] | what paths a pattern covers, and whether two meet | nobody |
//! | [`symbols`] | the declarations of a source file, and the lines they span | nobody |
//! | [`workspace`] | the clone a command runs in: git, settings, identity, paths, what a push changes | `pattern`, `symbols` |
//! | [`setup`] | what `init`, `uninit` and `upgrade` write | `workspace`, `ownership` |
//! | [`engine`] | rooms, claims, sessions: who may have what | `pattern` |
//! | [`ownership`] | whose paths are, what is delicate, what is shared; edits of that text | `pattern`, the engine's `Severity` |
//! | [`clock`] | the one place that asks for the time of day | `engine` |
//! | [`store`] | the change log and what it amounts to, on SQLite | `engine`, `pattern` |
//! | [`webhook`] | what a receiver is told of, who signs it, and sending it | `store`, `clock`, `wire`, `workspace` |
//! | [`coordinator`] | one writer: catches up, decides, commits, then answers | `engine`, `store`, `clock`, `pattern`, `webhook` |
//! | [`wire`] | requests and replies as they are sent | the engine's `Timestamp` |
//! | [`service`] | requests into commands, outcomes into replies, for every door | all above |
//! | [`server`] | listener, authentication, routes | all above |
//! | [`client`] | the same calls on a remote service or an embedded driver | all above but `server` |
//! | [`mcp`] | the operations as tools of an MCP server | `client` and all above, the server's configuration |
//! | [`cli`] | one file per command; the only module that prints or picks exit codes | everybody |

pub mod cli;
pub mod client;
pub mod clock;
pub mod coordinator;
pub mod engine;
pub mod mcp;
pub mod ownership;
pub mod pattern;
pub mod server;
pub mod service;
pub mod setup;
pub mod store;
pub mod symbols;
pub mod webhook;
pub mod wire;
pub mod workspace;

/// That of musl has one lock for all threads.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
