//! Every limit of the server in one table, from which the section `Limits` of `server/README.md` is made.
//!
//! A limit is a constant beside the code that enforces it, or a setting. Its value is read from there when the section is
//! made, so that the two cannot differ. A test finds constants that are called like a limit and stand in neither list below.
//! `LAKEGATE_GOLDEN=write cargo test --lib limits` writes the section anew.
//!
//! Compiled for tests alone: nothing runs by this table.

#![expect(clippy::panic, reason = "a table that cannot be read is a failed test")]

mod value;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use self::value::in_words;
use crate::settings::Settings;

/// A line for each limit: the file of `server/src` and the constant, or the setting; what its number counts, where `bytes` are
/// shown as KiB, MiB and so on; what it bounds; and what whoever meets it is answered, or what happens instead.
const TABLE: &str = "
# What a statement may ask
server.max_sql_bytes | bytes | SQL text | the SQL text is longer than this server allows
sql/tokens.rs TOKEN_LIMIT | tokens | SQL text | the SQL text is too complex
sql/tokens.rs OPERATOR_LIMIT | operators, joins and set operations | SQL text | the SQL text is too complex
sql/tokens.rs NESTING_LIMIT | levels | brackets of all kinds within one another | the SQL text is too complex
functions/spelled.rs MOST_COPIED | expressions | arguments that are written twice in the meaning of a function | the query is too complex: functions of functions multiply it
sql/column_names.rs LONGEST_NAME | characters | the name of a column that has no alias | it is cut
functions/json_text.rs MOST_STEPS | steps | a path into a JSON text | a JSON path has at most 100 steps
functions/date_formats.rs MOST_LETTERS | letters | one field in a pattern of `format_datetime` | format_datetime takes at most 64 letters for one field
sql/tokens.rs EXPLAIN_LIMIT | words | EXPLAIN in one text | the SQL text is too complex
sql/tokens.rs INTERVAL_LIMIT | words | INTERVAL behind one another | the SQL text is too complex
sql/mod.rs RECURSION_LIMIT | levels | expressions and queries that the parser follows | the SQL text cannot be parsed
sql/dialect.rs STEPS | steps | reading of one text, beside those for each token | the SQL text is too complex
sql/dialect.rs STEPS_PER_TOKEN | steps | reading of one text, for each token | the SQL text is too complex
sql/dialect.rs FEW_STEPS | steps | reading of a text on a thread for connections | it is read on a thread for planning
sql/mod.rs SHORT_SQL | bytes | a text that is read on a thread for connections | it is read on a thread for planning
sql/dialect.rs MOST_TIME | - | reading of one text | the SQL text is too complex
sql/session_change.rs LONGEST | bytes | SET, RESET and USE | the SQL text is longer than this server allows
sql/mod.rs TABLE_LIMIT | tables | tables of one query, each version counted | the query names too many tables
sql/mod.rs CONSTANT_LIMIT | bytes | a query of one constant that is planned on a thread for connections | it is planned on a thread for planning
sql/only_reads.rs RELATION_LIMIT | tables and subqueries | one query | the query joins too many tables and subqueries
sql/only_reads.rs SET_OPERATION_LIMIT | set operations | one query | the query has too many set operations
sql/only_reads.rs COLUMN_LIMIT | columns | one SELECT list | the query is too complex
sql/only_reads.rs LOOKUP_LIMIT | lookups | columns of all SELECT lists, compared with one another | the query is too complex
sql/only_reads.rs WINDOW_LIMIT | window functions | one query | the query has too many window functions
sql/only_reads.rs WITH_LIMIT | levels | WITH clauses within one another | WITH clauses are nested too deeply
sql/only_reads.rs SUBQUERY_LIMIT | levels | subqueries of expressions within one another | subqueries are nested too deeply
sql/expansion.rs READS_LIMIT | reads | tables that a query reads once its WITH clauses are put in | the query is too complex
sql/substrait.rs PLAN_BYTES | bytes | Substrait plan | the Substrait plan is too large
sql/substrait.rs MESSAGE_LIMIT | messages | Substrait plan | the Substrait plan is too complex
sql/substrait.rs REPEAT_LIMIT | repetitions | numbers of expressions in one list of a Substrait plan | the Substrait plan is too complex
sql/substrait.rs MOST_FIXED_BYTES | bytes | values of one length in a Substrait plan | the Substrait plan asks for values of a type that is not supported here
planner/numbers/lengths.rs LONGEST_FILLED | characters | `char(n)` that a query casts to | the query cannot be planned
guard/substrait.rs LOOKUP_LIMIT | lookups | columns of all relations of a Substrait plan | the Substrait plan cannot be read
sql/options.rs SCHEMA_LIMIT | characters | session option `schema` | refused when it is set
sql/options.rs MAX_ENDPOINTS | endpoints | session option `endpoints` | refused when it is set
wire/parameters.rs MAX_BYTES | bytes | bound parameters, as they are sent | refused when they are bound
wire/parameters.rs MAX_DECODED_BYTES | bytes | values of bound parameters | the parameters are too large
guard/binding.rs MAX_EXPECTED_BYTES | bytes | values of bound parameters, in the types that the statement takes | the parameters are too large
wire/parameters.rs MAX_ROWS | rows | bound parameters | refused when they are bound
wire/parameters/parts.rs MAX_COLUMNS | columns | bound parameters | the parameters have too many columns
wire/parameters/parts.rs MAX_HEAD_DEPTH | levels | types of bound parameters within one another | refused when they are bound
wire/commands.rs MAX_SHORT_BYTES | bytes | a command other than a statement | refused
wire/sessions.rs MAX_OPTIONS_BYTES | bytes | session options that are set in one call | refused
wire/fields.rs MAX_FIELDS | fields | lists in the commands of a client | refused
wire/statements.rs MAX_TICKETS_BYTES | bytes | tickets of one answer | the result has fewer endpoints
# How it is planned
engine.statement_timeout | - | a statement, planning included | the statement ran longer than it may
guard/complexity.rs MOST_NODES | operators | a plan | the query is too complex
guard/complexity.rs MOST_EXPRESSIONS | expressions | a plan | the query is too complex
guard/complexity.rs MOST_SUBSTITUTED | expressions | an expression once what it names is put in | the query is too complex
guard/complexity.rs MOST_FIELDS | columns | all operators of a plan together | the query is too complex
guard/complexity.rs MOST_GROUPINGS | grouping sets | one aggregation | the query is too complex
guard/complexity.rs MOST_DISTINCT | DISTINCT aggregates | one aggregation with groups | the query is too complex
guard/complexity.rs MOST_JOINS | joins | a plan | the query is too complex
guard/complexity.rs MOST_SORT_KEYS | keys | a plan's sorts | the query is too complex
guard/complexity.rs MOST_WINDOW_KEYS | keys | a window's partition and order | the query is too complex
guard/naming.rs MOST_NAMED | characters | names of expressions, as often as planning writes them | the query is too complex
guard/complexity.rs MOST_CENTROIDS | centroids | an approximate percentile | the query is refused
guard/complexity.rs MOST_REGULAR_EXPRESSIONS | patterns | a plan | the query is too complex
guard/constructors.rs MOST_FIELDS | fields | a struct, map or list that a query makes | the query cannot be planned
guard/orderings.rs MOST_KEYS | keys | an order of rows that plans make use of | rows are sorted once more
guard/orderings.rs MOST_COMPUTED | columns | computed columns whose order plans make use of | rows are sorted once more
# How much at once, and how often
session.max_concurrent_queries_per_user | statements | running, per user | waits, at most `session.queue_timeout`: you have too many queries running; wait for one to end
session.max_concurrent_queries | statements | running, and as many described, of all users | waits, at most `session.queue_timeout`: the server is busy; try again later
session.max_queued_queries | statements | waiting to run | the server is busy; try again later
session.max_concurrent_descriptions_per_user | statements | described at once, and lists of names, per user | waits
session/mod.rs QUEUED_PER_USER | statements | waiting to run, and as many to be described, per user | you have too many queries running, or statements being planned; wait for one of them
session/mod.rs OPENINGS_PER_USER | tables | opened at once, per user | waits
session/mod.rs OPENINGS | tables | opened at once, of all users | waits
session.max_sessions | sessions | kept although nobody uses them | the one that is unused longest is forgotten
aws.calls_per_second_per_user | calls a second | calls to AWS for policies and lists, per user | you have asked for too many tables and lists in a short time; wait a few seconds
aws/call_budget.rs SAVED | - | time for which unused calls are saved | waits
aws/call_budget.rs LONGEST_WAIT | - | wait for a call | you have asked for too many tables and lists in a short time; wait a few seconds
catalog/mod.rs MAX_TABLES | tables | one answer about tables | too many tables for one answer: narrow the search by schema or table name
wire/metadata.rs PATTERN_LIMIT | bytes | a search pattern for names | the search pattern is too long
identity/password.rs QUEUE_LIMIT | logins | waiting for their password to be checked | the server is busy; try again later
identity/password.rs PASSWORD_LIMIT | bytes | a password | the login is refused
identity/token.rs TOKEN_LIMIT | bytes | a bearer token | log in again
# What runs
engine.memory_limit | - | memory of all statements | the query needs more memory than this server gives to one query
engine.query_memory_limit | - | memory of a statement | the query needs more memory than this server gives to one query
engine.spill_limit | - | disk space of all statements | the query needs more memory than this server gives to one query
engine.query_spill_limit | - | disk space of a statement | the query needs more memory than this server gives to one query
engine.max_result_rows | - | rows of a result | the result ends with an error
engine.max_result_bytes | - | bytes of a result | the result ends with an error
engine.max_scanned_bytes | - | bytes that the scans of a statement hand to it | the result ends with an error
guard/growth/work.rs MOST_STEPS_OF_A_ROW | steps | a function that compares texts or lists, for one row | a function would compare texts or lists that are too long
guard/growth/work.rs MOST_PATTERNS | patterns | compiled at once, where each row has its own | a batch is done in pieces
guard/wide_rows.rs LARGEST | bytes | values of a batch of a table's rows | batches have fewer rows
guard/constants.rs CONSTANTS_BYTES | bytes | constants of a query, repeated for each row of a batch | batches have fewer rows
guard/read_ahead.rs MOST_BATCHES | batches | read ahead of an ordered scan | waits
table/scan.rs MOST_PARTS | parts | of one scan | parts are larger
table.memory_limit | - | what is held of the logs, vectors and files of all tables | the server has no memory left for logs and deletion vectors of tables
table/index.rs LONGEST_PATH | bytes | the path of a data file in a log | the table's data cannot be read
table/index.rs LONGEST_PARTITION_VALUE | bytes | a partition value in a log | the table's data cannot be read
table/index.rs MOST_PARTITION_COLUMNS | columns | by which a table is partitioned | the table's data cannot be read
table/statistics.rs LONGEST_BOUND | bytes | a bound of a column in a log | it counts as unknown
table/files/footer.rs LONGEST_FOOTER | bytes | the footer of a Parquet file | the table's data cannot be read
table/files/footer.rs LONGEST_FIXED | bytes | values of one length in a Parquet file | the table's data cannot be read
table/files/footer.rs MOST_ROW_GROUPS | row groups | a Parquet file | the table's data cannot be read
table/files/pages.rs LARGEST_PAGE | bytes | a page of a Parquet file, decompressed | the table's data cannot be read
table/files/pages.rs MOST_ELEMENTS | elements | lists in a column of a row group, whatever its size | the table's data cannot be read
table/files/pages.rs MOST_COPIED | bytes | values of a column in one batch that are copied out of a dictionary | the table's data cannot be read
table/deletion_vectors.rs LONGEST | bytes | a deletion vector | the table's data cannot be read
table/deletion_vectors.rs MOST_ROWS | rows | a file with a deletion vector | the table's data cannot be read
table/scan_statistics.rs MOST_COLUMNS | columns | whose statistics are looked at for a plan | the others have none
table/scan_statistics.rs MOST_FILES | files | whose statistics are looked at for a plan | the table has none
wire/rechunk.rs MAX_ROW_BYTES | bytes | one row of a result | the result ends with an error
wire/rechunk.rs MAX_BYTES | bytes | one message of a result | it is sent in pieces
wire/rechunk.rs MAX_ROWS | rows | one message of a result | it is sent in pieces
# The server
server.max_connections | connections | at once | closed at once
server.max_message_bytes | bytes | a client's message | refused
server.stall_timeout | - | a client that takes nothing of a result | the query is ended
server.max_pending_connections_per_address | connections | without a login, per address | closed at once
server.login_timeout | - | a connection without a login | closed
server.upload_timeout | - | the sending of a request | the request took too long to be sent
server.max_uploads_per_user | calls | being sent at once, per user | wait
wire/uploads.rs MAX_BYTES_PER_USER | bytes | requests of a user that are being sent | wait
wire/uploads.rs MAX_WAITING_PER_USER | calls | that wait to be sent, per user | refused
wire/uploads.rs MAX_HEALTH_BYTES | bytes | a request for the server's health | refused
wire/server.rs MAX_PENDING_RESETS | streams | reset by a client before they were looked at | the connection is closed
wire/server.rs MAX_FAULTY_STREAMS | streams | with faults, on one connection | the connection is closed
wire/server.rs MAX_STREAMS_PER_CONNECTION | calls | at once on one connection | waits
wire/server.rs MAX_HEADER_BYTES | bytes | headers of a call | refused
wire/cookie.rs COOKIE_LIMIT | bytes | the session's cookie | it is taken for none
audit/reads.rs NAMES_LIMIT | names | listed in one audit record | the record tells how many there were
audit/mod.rs STATEMENT_LIMIT | bytes | a statement's text in an audit record | it is cut
context.rs USER_AGENT_LIMIT | characters | a client's name for itself | it is cut
error.rs ECHO_LIMIT | characters | the client's own words in an error | they are cut
access/filter/mod.rs TEXT_LIMIT | characters | a row filter of Lake Formation | this table has a Lake Formation policy that this server cannot enforce
access/filter/parser.rs DEPTH_LIMIT | levels | a row filter | the same
access/filter/parser.rs NODE_LIMIT | conditions | a row filter | the same
access/filter/parser.rs PATH_LIMIT | names | a nested column of a row filter | the same
access/filter/lexer.rs DIGIT_LIMIT | digits | a number in a row filter | the same
catalog/hive_type.rs DEPTH_LIMIT | levels | a column's type in Glue | the column is shown as text
access/refusals.rs MOST_REFUSALS | refusals | remembered, of all users | AWS is asked again
access.policy_cache_entries | decisions | kept, of all users | AWS is asked again
catalog/mod.rs CACHE_BYTES | bytes | lists of tables kept, of all users, and as much of databases | AWS is asked again
aws/mod.rs CLIENT_CACHE_ENTRIES | users | whose AWS clients are kept | they are made anew
settings/users.rs NAME_LIMIT | characters | a user's name | the configuration is refused
";

const NO_LIMITS: &[(&str, &str)] = &[
    ("guard/growth.rs", "MOST_FREE_BYTES"),
    ("planner/numbers/arithmetic.rs", "MOST_SHOWN"),
    ("wire/parameters/parts.rs", "MAX_HEAD_GROWTH"),
    ("audit/mod.rs", "FLUSH_LIMIT"),
    ("audit/query.rs", "ACKNOWLEDGEMENT_LIMIT"),
    ("aws/identity.rs", "LOOK_LIMIT"),
    ("telemetry/log_queue.rs", "FLUSH_LIMIT"),
    ("wire/parameters.rs", "MAX_MESSAGES"),
    ("wire/xdbc_types.rs", "MAX_SECOND_DIGITS"),
    ("wire/deadline.rs", "MAX_DIGITS"),
    ("wire/sql_info.rs", "NO_LIMIT"),
    ("aws/session.rs", "SESSION_NAME_LIMIT"),
    ("settings/check.rs", "TAG_VALUE_LIMIT"),
    ("settings/source.rs", "NEAREST_AT_LEAST"),
    ("table/failure.rs", "LONGEST_FEATURE"),
    ("guard/visible_rows.rs", "MOST"),
];

const BEGIN: &str = "## Limits\n";

/// The section of the README.
fn section() -> String {
    let mut text = format!(
        "{BEGIN}\nA value in `code` is a setting with its default; the others are fixed. Whoever meets a limit is told so, and \
         other statements go on.\n\n"
    );
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("# ") {
            let _ = writeln!(text, "### {heading}\n\n| at most | of what | who meets it |\n|---|---|---|");
            continue;
        }
        let [at, unit, bounds, met] = columns(line);
        let unit = if unit == "-" { "" } else { unit };
        let value = match at.split_once(' ') {
            Some((file, name)) => in_words(&constant(file, name), unit),
            None if unit == "bytes" => format!("`{at}` ({})", setting(at)),
            None => format!("`{at}` ({}) {unit}", setting(at)),
        };
        let _ = writeln!(text, "| {} | {bounds} | {met} |", value.trim_end());
    }
    text.replace("|\n###", "|\n\n###") + "\n"
}

fn columns(line: &str) -> [&str; 4] {
    let columns: Vec<&str> = line.split(" | ").collect();
    columns.try_into().unwrap_or_else(|_| panic!("not four columns: {line}"))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// What a constant is set to, as it is written.
fn constant(file: &str, name: &str) -> String {
    let text = fs::read_to_string(sources().join(file)).unwrap_or_else(|_| panic!("no file {file}"));
    let begin = format!("const {name}: ");
    let found = text.lines().find_map(|line| line.split_once(&begin)?.1.split_once(" = "));
    let (_, value) = found.unwrap_or_else(|| panic!("no constant {name} in {file}"));
    value.trim_end_matches(';').to_owned()
}

/// The default of a setting.
fn setting(key: &str) -> String {
    let (section, name) = key.split_once('.').unwrap_or_default();
    let all = Settings::default().to_toml();
    let values = all
        .split_once(&format!("[{section}]\n"))
        .map(|(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let begin = format!("{name} = ");
    let value = values.and_then(|values| values.lines().find_map(|line| line.strip_prefix(&begin)));
    value.unwrap_or_else(|| panic!("no setting {key}")).replace('"', "")
}

#[cfg(test)]
mod tests;
