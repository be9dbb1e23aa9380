//! What can stand where the cursor is.
//!
//! After `from` and `join` tables are offered, elsewhere the columns of the tables that the statement names, then
//! keywords and functions. `x.` offers the columns of the table with that alias, or the tables of that database.
//! After `use` there are databases, after `set` the options of the session.

use super::command;
use super::names::Table;
use super::tokens::{Kind, Token, is_word_part, tokens};
use super::words::{BEFORE_TABLE, FUNCTIONS, KEYWORDS, SESSION_OPTIONS, is_keyword};
use crate::output::Format;

/// Where the word under the cursor begins, and what it can become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) start: usize,
    pub(super) words: Vec<String>,
}

/// Whether the cursor is in the name of a file, which others know how to complete.
pub(super) fn is_file_name(before: &str) -> bool {
    let command = current_command(before).unwrap_or_default();
    command.starts_with("i ") || command.starts_with("o ")
}

/// Completes the word that ends at `position`.
pub(super) fn complete(text: &str, position: usize, tables: &[Table]) -> Completion {
    let before = &text[..position];
    let start = before.len() - trailing(before, is_word_part).len();
    let typed = &before[start..];
    if let Some(command) = current_command(before) {
        return of_command(command, before, tables);
    }
    if tokens(before).last().is_some_and(|token| token.is_open || is_comment(&token)) {
        return Completion { start, words: Vec::new() };
    }
    // What is being typed is no alias of the table before it.
    let text = &format!("{}{}", &text[..start], &text[position..]);
    let path = qualifiers(&before[..start]);
    let words = match path.as_slice() {
        [] => match wanted(&before[..start]) {
            Wanted::Table => of_tables(typed, tables),
            Wanted::Database => matching(tables.iter().map(|table| &table.database), typed),
            Wanted::SessionOption => matching(SESSION_OPTIONS.iter(), typed),
            Wanted::Expression => of_expression(typed, text, tables),
        },
        [name] => of_qualified(name, typed, text, tables),
        [.., database, table] => {
            let found = tables.iter().filter(|found| is(&found.database, database) && is(&found.name, table));
            matching(found.flat_map(|table| &table.columns), typed)
        }
    };
    Completion { start, words }
}

/// The command on the cursor's line, without its backslash.
fn current_command(before: &str) -> Option<&str> {
    let line = before.rsplit('\n').next()?;
    line.trim_start().strip_prefix('\\')
}

fn of_command(command: &str, before: &str, tables: &[Table]) -> Completion {
    let Some((name, argument)) = command.split_once(char::is_whitespace) else {
        let names = command::NAMES.iter().filter(|name| name.starts_with(command));
        let words = names.map(|name| (*name).to_owned()).collect();
        return Completion { start: before.len() - command.len(), words };
    };
    let argument = argument.trim_start();
    let fixed = |words: &[&str]| {
        words.iter().filter(|word| word.starts_with(argument)).map(|word| (*word).to_owned()).collect()
    };
    let words = match name {
        "d" | "dt" => of_tables(argument, tables),
        "format" => fixed(&Format::NAMES.split('|').collect::<Vec<_>>()),
        "timing" | "pager" => fixed(&["on", "off"]),
        "x" => fixed(&["on", "off", "auto"]),
        _ => Vec::new(),
    };
    Completion { start: before.len() - argument.len(), words }
}

fn is_comment(token: &Token<'_>) -> bool {
    token.kind == Kind::Comment
}

/// The names before the cursor's word that dots join to it: `a.b.` gives `a` and `b`.
fn qualifiers(before: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = before;
    while let Some(without_dot) = rest.strip_suffix('.') {
        let name = match without_dot.strip_suffix('"') {
            Some(quoted) => quoted.rsplit('"').next().unwrap_or_default(),
            None => trailing(without_dot, is_word_part),
        };
        let length = if without_dot.ends_with('"') { name.len() + 2 } else { name.len() };
        if name.is_empty() || length > without_dot.len() {
            break;
        }
        found.insert(0, name.to_owned());
        rest = &without_dot[..without_dot.len() - length];
    }
    found
}

/// The longest end of a text that consists of such letters.
fn trailing(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    let start = text.char_indices().rev().take_while(|(_, c)| is_part(*c)).last();
    start.map_or("", |(start, _)| &text[start..])
}

/// What can stand after the text.
enum Wanted {
    Table,
    Database,
    SessionOption,
    Expression,
}

fn wanted(before: &str) -> Wanted {
    let significant = significant(before);
    let mut backwards = significant.iter().rev();
    let Some(last) = backwards.next() else {
        return Wanted::Expression;
    };
    // `from a, b x, …`: names, their aliases and commas lead back to the keyword.
    let is_in_list = |token: &&Token<'_>| {
        token.kind == Kind::Name
            || token.is_symbol(',')
            || token.is_symbol('.')
            || (token.kind == Kind::Word && (!is_keyword(token.text) || token.is_word("as")))
    };
    let mut before_list = backwards.skip_while(is_in_list);
    let continues_list = last.is_symbol(',') && before_list.next().is_some_and(|token| token.is_word("from"));
    let is_any = |words: &[&str]| words.iter().any(|word| last.is_word(word));
    if continues_list || is_any(BEFORE_TABLE) {
        Wanted::Table
    } else if is_any(&["use"]) {
        Wanted::Database
    } else if is_any(&["set", "reset"]) {
        Wanted::SessionOption
    } else {
        Wanted::Expression
    }
}

fn significant(text: &str) -> Vec<Token<'_>> {
    tokens(text).filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment)).collect()
}

/// Databases, and tables with their database, by either of the names.
fn of_tables(typed: &str, tables: &[Table]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Some((database, name)) = typed.split_once('.') {
        let found = tables.iter().filter(|table| is(&table.database, database) && begins(&table.name, name));
        words.extend(found.map(full_name));
        return words;
    }
    for table in tables {
        let database = format!("{}.", quoted(&table.database));
        if begins(&table.database, typed) && !words.contains(&database) {
            words.push(database);
        }
    }
    if words.len() == 1 || typed.is_empty() {
        // One database: its tables are the choice.
        words.clear();
    }
    let all_of_database = words.is_empty();
    let found = tables
        .iter()
        .filter(|table| begins(&table.name, typed) || (all_of_database && begins(&table.database, typed)));
    words.extend(found.map(full_name));
    words
}

fn of_expression(typed: &str, text: &str, tables: &[Table]) -> Vec<String> {
    let relations = relations(text, tables);
    let mut words = if relations.is_empty() {
        // Nothing named yet: every column could be meant, which is too many to offer unasked.
        let columns = tables.iter().flat_map(|table| &table.columns);
        if typed.is_empty() { Vec::new() } else { matching(columns, typed) }
    } else {
        let mut words = matching(relations.iter().flat_map(|relation| &relation.table.columns), typed);
        let aliases: Vec<String> = relations.iter().filter_map(|relation| relation.alias.clone()).collect();
        words.extend(matching(aliases.iter(), typed));
        words
    };
    let upper = typed.starts_with(char::is_uppercase);
    let vocabulary = KEYWORDS.iter().chain(FUNCTIONS).filter(|word| begins(word, typed));
    words.extend(vocabulary.map(|word| if upper { word.to_uppercase() } else { (*word).to_owned() }));
    words
}

/// Columns of the table with that alias or name, or tables of that database.
fn of_qualified(qualifier: &str, typed: &str, text: &str, tables: &[Table]) -> Vec<String> {
    let relations = relations(text, tables);
    let relation = relations.iter().find(|relation| match &relation.alias {
        Some(alias) => is(alias, qualifier),
        None => is(&relation.table.name, qualifier),
    });
    if let Some(relation) = relation {
        return matching(relation.table.columns.iter(), typed);
    }
    let of_database = tables.iter().filter(|table| is(&table.database, qualifier));
    matching(of_database.map(|table| &table.name), typed)
}

/// A table that the statement names.
struct Relation<'a> {
    table: &'a Table,
    alias: Option<String>,
}

/// The tables that the text names, with their database or alone, whatever stands around them.
fn relations<'a>(text: &str, tables: &'a [Table]) -> Vec<Relation<'a>> {
    let significant = significant(text);
    let mut found = Vec::new();
    for (index, token) in significant.iter().enumerate() {
        let name = token.text.trim_matches('"');
        let database = match &significant[..index] {
            [.., database, dot] if dot.is_symbol('.') => Some(database.text.trim_matches('"')),
            _ => None,
        };
        let named = tables.iter().filter(|table| {
            is(&table.name, name) && database.is_none_or(|database| is(&table.database, database))
        });
        let mut following = significant[index + 1..].iter().skip_while(|token| token.is_word("as"));
        let alias = following.next().filter(|token| token.kind == Kind::Word && !is_keyword(token.text));
        let alias = alias.map(|token| token.text.to_owned());
        found.extend(named.map(|table| Relation { table, alias: alias.clone() }));
    }
    found
}

/// The names that begin as typed, each once, in quotes if they need them.
fn matching<'a, N: AsRef<str> + 'a>(names: impl Iterator<Item = &'a N>, typed: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for name in names.map(AsRef::as_ref).filter(|name| begins(name, typed)) {
        let word = quoted(name);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn full_name(table: &Table) -> String {
    format!("{}.{}", quoted(&table.database), quoted(&table.name))
}

/// The name as SQL wants it: without quotes it is read in lower case.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !is_keyword(name);
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn is(name: &str, typed: &str) -> bool {
    name.eq_ignore_ascii_case(typed)
}

fn begins(name: &str, typed: &str) -> bool {
    name.get(..typed.len()).is_some_and(|start| is(start, typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake() -> Vec<Table> {
        let table = |database: &str, name: &str, columns: &[&str]| Table {
            database: database.to_owned(),
            name: name.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        };
        vec![
            table("sales", "nation", &["n_name", "n_regionkey"]),
            table("sales", "region", &["r_name", "r_regionkey"]),
            table("hr", "Staff", &["id", "Full Name"]),
        ]
    }

    /// Completes where `|` stands.
    fn words(text: &str) -> Vec<String> {
        let position = text.find('|').unwrap_or(text.len());
        complete(&text.replace('|', ""), position, &lake()).words
    }

    #[test]
    fn keywords_follow_the_case_of_what_is_typed() {
        assert_eq!(words("sel"), ["select"]);
        assert_eq!(words("SEL"), ["SELECT"]);
        assert_eq!(complete("select 1 whe", 12, &lake()).start, 9);
        assert_eq!(words("select * from sales.nation wher"), ["where"]);
    }

    #[test]
    fn tables_stand_after_from_and_join_and_in_a_list() {
        let all = ["sales.nation", "sales.region", "hr.\"Staff\""];
        for text in ["select * from ", "select 1 from sales.nation n join ", "select * from sales.nation n, "]
        {
            assert_eq!(words(text), all, "{text}");
        }
        assert_eq!(words("select * from sa"), ["sales.nation", "sales.region"]);
        assert_eq!(words("select * from nat"), ["sales.nation"]);
        assert_eq!(words("select * from sales.re"), ["region"]);
        assert_eq!(words("select * from hr."), ["\"Staff\""]);
    }

    #[test]
    fn columns_are_those_of_the_tables_that_the_statement_names() {
        assert_eq!(words("select n_| from sales.nation"), ["n_name", "n_regionkey"]);
        assert!(words("select r_| from sales.nation").is_empty());
        assert_eq!(words("select r_"), ["r_name", "r_regionkey"]);
        assert_eq!(words("select sales.nation.n_n"), ["n_name"]);
        assert_eq!(words("select n_| from nation"), ["n_name", "n_regionkey"]);
    }

    #[test]
    fn an_alias_stands_for_its_table() {
        let text = "select r.| from sales.nation as n join sales.region r on true";
        assert_eq!(words(text), ["r_name", "r_regionkey"]);
        assert_eq!(words("select nation.| from sales.nation where"), ["n_name", "n_regionkey"]);
        assert_eq!(words("select f| from hr.\"Staff\"")[0], "\"Full Name\"");
    }

    #[test]
    fn databases_stand_after_use_and_options_after_set() {
        assert_eq!(words("use "), ["sales", "hr"]);
        assert_eq!(words("SET state"), ["statement_timeout"]);
    }

    #[test]
    fn inside_of_quotes_and_comments_nothing_is_completed() {
        assert!(words("select 'sel").is_empty());
        assert!(words("select 1 -- sel").is_empty());
    }

    #[test]
    fn commands_and_their_arguments_are_completed() {
        assert_eq!(words("\\ti"), ["timing"]);
        assert_eq!(words("\\d sales.n"), ["sales.nation"]);
        assert_eq!(words("\\format ma"), ["markdown"]);
        assert_eq!(words("\\x "), ["on", "off", "auto"]);
        assert_eq!(words("select 1\n\\timing o"), ["on", "off"]);
        assert!(is_file_name("\\i fold") && is_file_name("\\o ") && !is_file_name("\\d x"));
    }
}
