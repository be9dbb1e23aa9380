//! Input of the shell cut into statements and commands.
//!
//! A statement ends with `;`, or with `\g`, or with `\gx` or `\G` to show its result expanded. Any other backslash outside of
//! quotes and comments begins a command, which goes to the end of its line and leaves a statement that has begun as
//! it is.

use super::tokens::{Kind, first};

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// SQL without its terminator.
    Statement { sql: String, expanded: bool },
    /// What follows the backslash, to the end of the line.
    Command(String),
}

/// Input, cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) items: Vec<Item>,
    /// A statement that has begun and not ended; empty if there is none.
    pub(super) rest: String,
    /// Whether `rest` ends inside a quote or a comment.
    pub(super) is_open: bool,
    /// Whether the input ends with a command.
    pub(super) ends_with_command: bool,
}

impl Split {
    /// Whether there is nothing to wait for.
    pub(super) fn is_complete(&self) -> bool {
        self.rest.is_empty() || self.ends_with_command
    }

    /// Takes a statement without terminator as one that ends with the input, as in a file. `None` if it is open.
    pub(super) fn into_items(mut self) -> Option<Vec<Item>> {
        if self.is_open {
            return None;
        }
        if !self.rest.is_empty() {
            self.items.push(Item::Statement { sql: self.rest.trim().to_owned(), expanded: false });
        }
        Some(self.items)
    }
}

/// Cuts the input.
pub(super) fn split(text: &str) -> Split {
    let mut split = Split::default();
    let mut pending = Pending::default();
    let mut rest = text;
    while let Some(token) = first(rest) {
        split.ends_with_command &= token.kind == Kind::Space;
        if token.is_symbol('\\') {
            let line = rest.lines().next().unwrap_or_default();
            let name = line[1..].split_whitespace().next().unwrap_or_default();
            let ends_statement = !line[1..].starts_with(char::is_whitespace);
            match name.trim_end_matches(';') {
                "g" if ends_statement => split.items.extend(pending.take(false)),
                "gx" | "G" if ends_statement => split.items.extend(pending.take(true)),
                _ => {
                    split.items.push(Item::Command(line[1..].trim().to_owned()));
                    split.ends_with_command = true;
                    rest = &rest[line.len()..];
                    continue;
                }
            }
            rest = &rest[1 + name.len()..];
            continue;
        }
        rest = &rest[token.text.len()..];
        if token.is_symbol(';') {
            split.items.extend(pending.take(false));
        } else {
            pending.text.push_str(token.text);
            pending.has_content |= !matches!(token.kind, Kind::Space | Kind::Comment) || token.is_open;
            split.is_open = token.is_open;
        }
    }
    if pending.has_content {
        split.rest = pending.text;
    }
    split
}

/// A statement that has begun.
#[derive(Default)]
struct Pending {
    text: String,
    /// Whether it is more than space and comments.
    has_content: bool,
}

impl Pending {
    fn take(&mut self, expanded: bool) -> Option<Item> {
        let Self { text, has_content } = std::mem::take(self);
        has_content.then(|| Item::Statement { sql: text.trim().to_owned(), expanded })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed call fails the test")]

    use super::*;

    fn statement(sql: &str) -> Item {
        Item::Statement { sql: sql.to_owned(), expanded: false }
    }

    fn command(text: &str) -> Item {
        Item::Command(text.to_owned())
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_comments() {
        let text = "select ';'; -- no; end\nselect \";\", $$;$$ /* ; */ ; ;\nselect 3";
        let split = split(text);
        assert_eq!(
            split.items,
            [statement("select ';'"), statement("-- no; end\nselect \";\", $$;$$ /* ; */"),]
        );
        assert_eq!(split.rest, "\nselect 3");
        assert!(!split.is_complete() && !split.is_open);
        assert_eq!(split.into_items().unwrap().len(), 3);
    }

    #[test]
    fn input_inside_a_quote_or_a_comment_is_open() {
        for open in ["select 'a;", "/* a;", "select $x$;"] {
            let split = split(open);
            assert!(split.items.is_empty() && split.is_open && !split.is_complete(), "{open}");
            assert_eq!(split.into_items(), None);
        }
    }

    #[test]
    fn comments_alone_are_no_statement() {
        for text in ["", " \n", "-- nothing", "/* nothing */ ;"] {
            assert_eq!(split(text), Split::default(), "{text}");
        }
    }

    #[test]
    fn a_command_goes_to_the_end_of_its_line_whatever_stands_there() {
        let split = split("\\i it's; a file.sql\nselect 1;\\d sales.nation\n");
        assert_eq!(
            split.items,
            [command("i it's; a file.sql"), statement("select 1"), command("d sales.nation"),]
        );
        assert!(split.is_complete());
    }

    #[test]
    fn a_command_leaves_a_statement_that_has_begun() {
        let whole = split("select 1\n\\timing\n+ 1;");
        assert_eq!(whole.items, [command("timing"), statement("select 1\n\n+ 1")]);
        let begun = split("select 1\n\\q");
        assert_eq!((begun.items.as_slice(), begun.rest.as_str()), ([command("q")].as_slice(), "select 1\n"));
        assert!(begun.is_complete());
    }

    #[test]
    fn a_statement_can_end_with_a_backslash_command() {
        let split = split("select 1\\g\nselect 2 \\gx select 3 \\G");
        let expanded = |sql: &str| Item::Statement { sql: sql.to_owned(), expanded: true };
        assert_eq!(split.items, [statement("select 1"), expanded("select 2"), expanded("select 3")]);
        assert_eq!(split.rest, "");
    }
}
