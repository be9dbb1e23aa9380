//! Every way in × every kind of user × every state of a table, kept as `golden/entries.txt`: a line says for some users what
//! they are answered. A change of what someone may see, or of what a refusal says, is a change of that file.
//!
//! What can be asked without a table is not listed here but taken from the server: its commands and calls from its sources,
//! its actions from its own answer. So a new one is asked of itself, and fails until somebody has read its line.
//!
//! ```text
//!   statement, rows | plain | eu_analyst | 2 rows [1, 3]: id, note, region, secret
//! ```

mod asked;
mod outcome;
mod served;
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write;

use futures::future::join_all;

use self::asked::{ABOUT_A_TABLE, ABOUT_THE_SERVER, Ask};
use self::outcome::outcome;
use crate::delta::lake::Lake;
use crate::non_interference::{Caller, Transcript};
use crate::support::{assert_golden, run};

const HEAD: &str = "\
What each user is answered, by way in and table. Regenerate with LAKEGATE_GOLDEN=write, and read what changed.

  admin       data lake administrator without a right to data
  analyst     all of every table
  eu_analyst  rows: region = 'north'
  support     columns: all but secret
  hr_partner  rows: region = 'north', columns: all but secret
  auditor     DESCRIBE alone
  stranger    nothing

  plain       four rows in one file
  deleted     the same, and a deletion vector on row 4
  split       the same rows, partitioned by region
  grown       the same rows in three commits: none, 1 and 2, all
  unreadable  row filters outside the language
  drifted     a column of the log is missing in the catalog
  nothing     no such table
";

const USERS: [&str; 7] = ["admin", "analyst", "eu_analyst", "support", "hr_partner", "auditor", "stranger"];

/// One user of the server.
struct User {
    name: &'static str,
    caller: Caller,
}

/// Adds what all users are answered: a line for each answer, which names those who get it.
async fn ask_all(
    matrix: &mut String,
    users: &[User],
    entry: &str,
    table: &str,
    question: impl AsyncFn(&Caller) -> Transcript,
) {
    let answers = join_all(users.iter().map(|user| question(&user.caller))).await;
    let mut by_outcome: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (user, answer) in users.iter().zip(&answers) {
        by_outcome.entry(outcome(answer)).or_default().push(user.name);
    }
    let mut lines: Vec<(Vec<&str>, String)> = by_outcome.into_iter().map(|(text, who)| (who, text)).collect();
    let place = |who: &[&str]| USERS.iter().position(|user| Some(user) == who.first());
    lines.sort_by_key(|(who, _)| place(who));
    for (who, text) in lines {
        let who = if who.len() == USERS.len() { "everyone".to_owned() } else { who.join(", ") };
        writeln!(matrix, "{entry} | {table} | {who} | {text}").unwrap();
    }
}

async fn ask(caller: &Caller, ask: &Ask, table: &str) -> Transcript {
    match ask {
        Ask::Rows(sql) => caller.rows(&sql.replace("{}", table)).await,
        Ask::Schema(sql) => {
            caller.schema_of(&crate::non_interference::text_command(&sql.replace("{}", table))).await
        }
        Ask::Prepare(sql) => caller.prepared(&sql.replace("{}", table)).await,
        Ask::Bound(sql) => caller.bound(&sql.replace("{}", table), &asked::parameter()).await,
        Ask::Command(command) => caller.command(&command(table)).await,
    }
}

#[test]
fn every_way_in_answers_each_user_as_the_golden_file_says() {
    let matrix = run(async {
        let lake = Lake::start(&[]).await;
        tables::bring(&lake).await;
        let server = &lake.server;
        let users =
            USERS.map(|name| async move { User { name, caller: Caller::log_in(server, name).await } });
        let users = join_all(users).await;
        let mut matrix = HEAD.to_owned();
        for (entry, question) in ABOUT_A_TABLE {
            matrix.push('\n');
            for table in tables::NAMES {
                ask_all(&mut matrix, &users, entry, table, async |caller| ask(caller, question, table).await)
                    .await;
            }
        }
        for (entry, question) in ABOUT_THE_SERVER {
            matrix.push('\n');
            ask_all(&mut matrix, &users, entry, "-", async |caller| ask(caller, question, "").await).await;
        }
        served::ask_all_that_is_served(&mut matrix, &users).await;
        matrix
    });
    assert_golden("entries.txt", &matrix);
}
