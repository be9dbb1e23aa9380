//! How large regular expressions become when they are compiled, as far as their texts tell.
//!
//! What makes a short one large is counted repetition: `\w{1000}` is a thousand classes. So each character counts as one, and a
//! repeated part as often as it is repeated. Patterns of LIKE have no repetition and are measured in the same way.

use datafusion::logical_expr::ColumnarValue;

use super::estimate;

/// For each row the parts of a pattern.
pub(super) fn weights(argument: &ColumnarValue, rows: usize) -> Vec<usize> {
    estimate::of_each_text(argument, rows, weight)
}

/// The parts of a pattern, each counted as often as it is repeated. Never less than the pattern has characters outside of
/// the repetitions' own.
pub(super) fn weight(pattern: &str) -> usize {
    let mut groups: Vec<usize> = Vec::new();
    // The parts of the group that is read, and of the last thing in it.
    let (mut parts, mut last) = (0_usize, 0_usize);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' => {
                groups.push(parts);
                (parts, last) = (0, 0);
            }
            ')' => {
                last = parts.saturating_add(1);
                parts = groups.pop().unwrap_or_default().saturating_add(last);
            }
            '{' => {
                let times = most_times(characters.by_ref().take_while(|character| *character != '}'));
                let more = last.saturating_mul(times.saturating_sub(1));
                (parts, last) = (parts.saturating_add(more), last.saturating_add(more));
            }
            '\\' => {
                // `\p{..}` and `\x{..}` name one character or class.
                let is_named = matches!(characters.next(), Some('p' | 'P' | 'x' | 'u' | 'U'));
                if is_named && characters.as_str().starts_with('{') {
                    let _ = characters.by_ref().find(|character| *character == '}');
                }
                (parts, last) = (parts.saturating_add(1), 1);
            }
            _ => (parts, last) = (parts.saturating_add(1), 1),
        }
    }
    groups.into_iter().fold(parts, usize::saturating_add)
}

/// The largest number of a counted repetition.
fn most_times(counts: impl Iterator<Item = char>) -> usize {
    let counts: String = counts.collect();
    counts.split(',').filter_map(|count| count.trim().parse().ok()).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_weighs_as_much_as_it_repeats() {
        for (pattern, weighs) in [
            ("", 0),
            ("abc", 3),
            (r"\w{1000}", 1000),
            (r"\p{L}{20}", 20),
            (r"a{2,5}b", 6),
            (r"(ab{10}){7}", 84),
            (r"((a{9}){9}){9}", 819),
            (r"\d{4}-\d{2}-\d{2}", 10),
            ("a{", 1),
            ("a{x}", 1),
            (")))", 3),
        ] {
            assert_eq!(weight(pattern), weighs, "{pattern}");
        }
        assert_eq!(weight(&"(a".repeat(1000)), 1000);
        assert_eq!(weight("(a{99999999999}){99999999999}{99999999999}"), usize::MAX);
    }
}
