//! The clone a command is run in.
