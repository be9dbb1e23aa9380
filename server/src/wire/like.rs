//! The search patterns of the metadata commands: `%` any text, `_` one character, `\` takes the next one literally.
//!
//! `\` is what SqlInfo announces as the escape, and drivers use it for every name with an underscore. Patterns are
//! compared in lower case, as the Glue Data Catalog stores names: a tool that asks for `SALES` means `sales`.
//! Matching takes time proportional to pattern times name at the worst, and no pattern can make it fail.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Symbol {
    AnyText,
    AnyCharacter,
    Literal(char),
}

/// A compiled search pattern.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Symbol>);

impl Pattern {
    /// Compiles a pattern. Every text is one; a `\` at the very end stands for itself.
    pub(super) fn new(text: &str) -> Self {
        let mut symbols = Vec::new();
        let mut characters = text.chars().map(|character| character.to_ascii_lowercase());
        while let Some(character) = characters.next() {
            let symbol = match character {
                '%' => Symbol::AnyText,
                '_' => Symbol::AnyCharacter,
                '\\' => Symbol::Literal(characters.next().unwrap_or('\\')),
                other => Symbol::Literal(other),
            };
            // Runs of `%` mean one, and each would cost a pass over the name.
            if symbol != Symbol::AnyText || symbols.last() != Some(&Symbol::AnyText) {
                symbols.push(symbol);
            }
        }
        Self(symbols)
    }

    /// Whether the whole name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at_symbol, mut at_character) = (0, 0);
        // Where to resume, should the rest not match: after the last `%`, one character further on.
        let mut resume = None;
        while at_character < name.len() {
            match self.0.get(at_symbol) {
                Some(Symbol::AnyText) => {
                    resume = Some((at_symbol + 1, at_character));
                    at_symbol += 1;
                    continue;
                }
                Some(Symbol::AnyCharacter) => {
                    (at_symbol, at_character) = (at_symbol + 1, at_character + 1);
                    continue;
                }
                Some(Symbol::Literal(literal)) if *literal == name[at_character] => {
                    (at_symbol, at_character) = (at_symbol + 1, at_character + 1);
                    continue;
                }
                Some(Symbol::Literal(_)) | None => {}
            }
            let Some((symbol, character)) = resume else {
                return false;
            };
            (at_symbol, at_character) = (symbol, character + 1);
            resume = Some((symbol, character + 1));
        }
        self.0[at_symbol..].iter().all(|symbol| *symbol == Symbol::AnyText)
    }
}

/// Whether a name passes an optional pattern: without one, every name does.
pub(super) fn passes(pattern: Option<&Pattern>, name: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_matches(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::new(pattern);
        for name in yes {
            assert!(compiled.matches(name), "{pattern} should match {name}");
        }
        for name in no {
            assert!(!compiled.matches(name), "{pattern} should not match {name}");
        }
    }

    #[test]
    fn a_percent_sign_matches_any_text_and_an_underscore_one_character() {
        assert_matches("%", &["", "a", "nation"], &[]);
        assert_matches("nat%", &["nat", "nation"], &["anat", "na"]);
        assert_matches("%ion", &["nation", "ion", "ionion"], &["ions"]);
        assert_matches("n_tion", &["nation", "nütion"], &["ntion", "naation"]);
        assert_matches("%a%b%c", &["abc", "aabbcc", "xaxbxc", "abcabc"], &["acb", "ab", "abcx"]);
        assert_matches("", &[""], &["a"]);
        assert_matches("_%_", &["ab", "abc"], &["a", ""]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_literally() {
        assert_matches(r"line\_item", &["line_item"], &["lineXitem", r"line\_item"]);
        assert_matches(r"100\%", &["100%"], &["100x", "100"]);
        assert_matches(r"a\\b", &[r"a\b"], &["ab"]);
        assert_matches(r"end\", &[r"end\"], &["end"]);
        assert_matches(r"%\_%", &["a_b", "_"], &["ab"]);
    }

    #[test]
    fn a_pattern_in_capitals_finds_the_lower_case_name() {
        assert_matches("NATION", &["nation"], &[]);
    }

    #[test]
    fn a_pattern_made_to_backtrack_ends_soon() {
        let pattern = Pattern::new(&"%a".repeat(2_000));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(5_000))));
    }
}
