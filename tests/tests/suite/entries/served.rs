//! What the server says of itself that it serves: its calls and commands, read from its sources, and its actions, from its
//! own answer. Each is asked with nothing in it.

use std::collections::BTreeSet;

use arrow_flight::sql::Any;
use bytes::Bytes;
use prost::Message;

use super::{User, ask_all};
use crate::non_interference::{Caller, Transcript};

const COMMANDS: &str = include_str!("../../../../server/src/wire/commands.rs");
const CALLS: &str = include_str!("../../../../server/src/wire/front_door.rs");
const SYSTEM_TABLES: &str = include_str!("../../../../server/src/sql/system.rs");

/// The package of Flight SQL's messages.
const PACKAGE: &str = "type.googleapis.com/arrow.flight.protocol.sql.";

/// Adds a line for each.
pub(super) async fn ask_all_that_is_served(matrix: &mut String, users: &[User]) {
    matrix.push('\n');
    for call in calls() {
        let name = format!("call {call}");
        ask_all(matrix, users, &name, "-", async |caller| ask_call(caller, &call).await).await;
    }
    matrix.push('\n');
    for command in commands() {
        let any = Any { type_url: format!("{PACKAGE}{command}"), value: Bytes::new() }.encode_to_vec();
        let name = |how: &str| format!("{command}, empty, by {how}");
        ask_all(matrix, users, &name("DoGet"), "-", async |caller| caller.command(&any).await).await;
        ask_all(matrix, users, &name("DoPut"), "-", async |caller| caller.put(&any).await).await;
    }
    matrix.push('\n');
    let analyst = users.iter().find(|user| user.name == "analyst").unwrap();
    let actions = analyst.caller.actions().await;
    assert!(!actions.is_empty(), "the server lists no action");
    for action in actions.iter().map(String::as_str).chain(["NoSuchAction"]) {
        let name = format!("action {action}, empty");
        ask_all(matrix, users, &name, "-", async |caller| caller.action(action, Bytes::new()).await).await;
    }
    matrix.push('\n');
    for table in system_tables() {
        let (name, sql) = (format!("information_schema.{table}"), statement_of(&table));
        ask_all(matrix, users, &name, "-", async |caller| caller.rows(&sql).await).await;
    }
}

/// A new call of Flight fails here: it needs a line of its own.
async fn ask_call(caller: &Caller, call: &str) -> Transcript {
    match call {
        // Asked by everything else: by logging in, and by each statement, command and action.
        "handshake" | "get_flight_info" | "get_schema" | "do_get" => {
            caller.statement("select 1 as one").await
        }
        "do_put" => caller.put(&[]).await,
        "do_action" => caller.action("", Bytes::new()).await,
        // The last of them is what counts for the outcome.
        "list_actions" | "list_flights" | "poll_flight_info" => caller.discovery().await,
        "do_exchange" => caller.exchange().await,
        other => panic!("nothing here asks the call {other}"),
    }
}

fn statement_of(table: &str) -> String {
    match table {
        // Which functions there are is the business of another test.
        "routines" => {
            "select routine_name from information_schema.routines where routine_name = 'abs'".to_owned()
        }
        _ => format!("select * from information_schema.{table}"),
    }
}

/// Production code alone.
fn code(source: &str) -> &str {
    source.split_once("#[cfg(test)]").map_or(source, |(code, _)| code)
}

/// The calls that the Flight service implements.
fn calls() -> Vec<String> {
    let (_, service) = CALLS.split_once("impl FlightService for FrontDoor").unwrap();
    let names = service.split("    async fn ").skip(1).filter_map(|rest| rest.split_once('('));
    let names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

/// The messages of Flight SQL that the server tells apart.
fn commands() -> BTreeSet<String> {
    let named = code(COMMANDS).split("Command::").skip(1).filter_map(|rest| rest.split_once('('));
    let is_message =
        |name: &str| ["Command", "Ticket", "Action", "DoPut"].iter().any(|kind| name.starts_with(kind));
    let names: BTreeSet<String> =
        named.map(|(name, _)| name.to_owned()).filter(|name| is_message(name)).collect();
    assert!(names.len() >= 20, "{names:?}");
    names
}

/// The tables of `information_schema`.
fn system_tables() -> Vec<String> {
    let rows =
        code(SYSTEM_TABLES).split("(\"").skip(1).filter_map(|rest| rest.split_once("\", SystemTable::"));
    let names: Vec<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert!(names.len() >= 5, "{names:?}");
    names
}
