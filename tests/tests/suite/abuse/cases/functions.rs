//! Functions whose results, or what they compute with, are much larger than what they are given.

mod arrays;
mod patterns;
mod texts;

use super::Case;

pub(in super::super) fn cases() -> Vec<Case> {
    [texts::cases(), arrays::cases(), patterns::cases(), patterns::aggregates()]
        .into_iter()
        .flatten()
        .collect()
}
