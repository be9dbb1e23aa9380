//! Patterns over texts of which hidden rows have more, longer and stranger ones, and sizes that a huge hidden text would
//! exceed.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("a pattern of hidden texts", "select count(*) from brought.ledger where note like '%canary%'"),
    ("a pattern at the start", "select id from brought.ledger where note like 'note 1%'"),
    (
        "a pattern without case",
        "select count(*) from brought.ledger where note ilike 'CANARY%' or kind ilike 'ZZ%'",
    ),
    ("no pattern", "select count(*) from brought.ledger where note not like 'note%'"),
    ("a pattern from a column", "select count(*) from brought.ledger where digits like note"),
    ("a pattern with an escape", "select count(*) from brought.ledger where note like '(!%' escape '!'"),
    ("a regular expression", "select count(*) from brought.ledger where note ~ '^(canary|note 4)'"),
    ("a regular expression without case", "select count(*) from brought.ledger where note ~* 'CANARY'"),
    ("a similar text", "select count(*) from brought.ledger where note similar to '(canary|note 7).*'"),
    ("a position", "select max(strpos(note, 'secret')), max(position('canary' in kind)) from brought.ledger"),
    ("a start", "select count(*) from brought.ledger where starts_with(note, 'canary')"),
    (
        "parts",
        "select max(split_part(note, ' ', 2)), max(substr(note, 1, 6)), max(left(note, 4)) from \
         brought.ledger",
    ),
    ("lengths", "select max(character_length(note)), sum(octet_length(kind)) from brought.ledger"),
    ("a digest of all", "select max(md5(note)), min(sha256(digits)) from brought.ledger"),
    ("all texts as one", "select octet_length(string_agg(note, ',' order by id)) from brought.ledger"),
    (
        "groups of texts",
        "select note, count(*) from brought.ledger group by note order by 2 desc, 1 nulls last limit 5",
    ),
    ("distances", "select max(levenshtein(digits, '123')) from brought.ledger"),
    (
        "replaced texts",
        "select max(replace(note, 'note', '')), max(upper(note)), max(reverse(note)) from brought.ledger",
    ),
    ("texts as times", "select max(to_char(seen, '%Y')), min(to_char(born, '%d')) from brought.ledger"),
    ("a text of a hidden partition", "select count(*) from brought.visits where country like '%canary%'"),
    ("a hidden name of a partition", "select count(*) from brought.vault where label like 'label%'"),
    ("a long text", "select id, body from brought.long_list where id in (11, 2000, 19999)"),
    ("the longest texts", "select max(octet_length(body)), max(body), min(word) from brought.long_list"),
    (
        "hidden texts among many",
        "select count(*) from brought.long_list where body like 'canary%' or body = 'x'",
    ),
];
