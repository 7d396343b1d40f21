//! Claim patterns.
