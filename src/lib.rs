//! Who is working where: claims on files, globs and symbols of one codebase.
pub mod pattern;
pub mod workspace;
