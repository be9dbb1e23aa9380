//! Tables of different restrictions in front of the server and of the peer.

use lakegate_client::Connection;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::delta::lake::DATABASE;
use crate::delta::rows::Rows;
use crate::oracle::account::Account;
use crate::oracle::comparison::{Comparison, Verdict};
use crate::oracle::peer::{bring_whole, seen, whole};
use crate::oracle::policy::Restriction;
use crate::oracle::query::Known;
use crate::oracle::stage::Stage;
use crate::oracle::table::Table;
use crate::support::rows;

/// Tables of a scene: one of each restriction, in their order.
const TABLES: usize = Restriction::ALL.len();

/// See the file's head.
pub(in crate::oracle) struct Scene<'a> {
    pub(super) account: &'a Account,
    pub(super) seed: u64,
    stages: Vec<Stage<'a>>,
}

/// Which tables of a scene a query reads, by their positions: `{}`, `{1}` and `{2}`.
#[derive(Clone, Copy, Debug)]
pub(in crate::oracle) struct Cast(pub(crate) [usize; 3]);

impl Cast {
    /// Three different tables.
    pub(super) fn random(random: &mut StdRng) -> Self {
        let first = random.random_range(0..TABLES);
        let second = (first + random.random_range(1..TABLES)) % TABLES;
        let others: Vec<usize> = (0..TABLES).filter(|other| ![first, second].contains(other)).collect();
        Self([first, second, others[random.random_range(0..others.len())]])
    }

    /// What is hidden of the table at a place of the query.
    pub(super) fn restriction(self, place: usize) -> Restriction {
        Restriction::ALL[self.0[place]]
    }
}

/// How a query names the table at a place.
fn placeholder(place: usize) -> String {
    if place == 0 { "{}".to_owned() } else { format!("{{{place}}}") }
}

impl<'a> Scene<'a> {
    /// Brings the tables.
    pub(in crate::oracle) async fn set(account: &'a Account, name: String, seed: u64) -> Self {
        let mut stages = Vec::new();
        for (number, restriction) in (0..).zip(Restriction::ALL) {
            // Far from the seeds of tables that are asked alone.
            let table = Table::restricted((1 << 32) + seed * 16 + number, restriction);
            let stage = Stage::set(account, format!("{name}_{number}"), table).await;
            bring_whole(account, &stage.name, &stage.table).await;
            stages.push(stage);
        }
        Self { account, seed, stages }
    }

    /// What the maker of a query knows of its tables.
    pub(in crate::oracle) fn known(&self, cast: Cast) -> [&Known; 3] {
        cast.0.map(|number| &self.stages[number].known)
    }

    /// Asks both sides.
    ///
    /// # Arguments
    /// * `sql` - with placeholders for the tables' names.
    pub(in crate::oracle) async fn compare(&self, connection: &Connection, cast: Cast, sql: &str) -> Verdict {
        let secrets = self.secrets(cast, sql);
        let name = &self.stages[cast.0[0]].name;
        let comparison = Comparison { account: self.account, name, secrets: &secrets };
        let sent = self.spelled(cast, sql, |_, name| name.to_owned());
        let copied = self.spelled(cast, sql, |_, name| seen(name));
        comparison.verdict(connection, &sent, &copied).await
    }

    /// The query over tables whose names are made of the places and the names of those of the scene.
    fn spelled(&self, cast: Cast, sql: &str, named: impl Fn(usize, &str) -> String) -> String {
        (0..3).fold(sql.to_owned(), |sql, place| {
            let name = named(place, &self.stages[cast.0[place]].name);
            sql.replace(&placeholder(place), &format!("{DATABASE}.{name}"))
        })
    }

    /// Names of columns that are hidden in a table of the query and visible in none of them.
    fn secrets(&self, cast: Cast, sql: &str) -> Vec<String> {
        let read = (0..3).filter(|place| sql.contains(&placeholder(*place)));
        let tables: Vec<&Table> = read.map(|place| &self.stages[cast.0[place]].table).collect();
        let is_visible = |name: &String| {
            tables.iter().any(|table| table.visible_columns().iter().any(|column| column.name == *name))
        };
        let hidden = tables.iter().flat_map(|table| table.hidden_names());
        hidden.filter(|name| !is_visible(name)).collect()
    }

    /// For each place of a query whose table hides rows or cells, whether the answer would be another if it did not.
    pub(super) async fn sides_that_tell(&self, cast: Cast, tables: usize, sql: &str) -> Vec<(usize, bool)> {
        let texts = async |unguarded: Option<usize>| {
            let copy = |place, name: &str| if unguarded == Some(place) { whole(name) } else { seen(name) };
            let answer = rows(&self.account.unrestricted, &self.spelled(cast, sql, copy)).await;
            answer.map(|batches| Rows::of(&batches).texts()).ok()
        };
        let right = texts(None).await;
        let mut told = Vec::new();
        for place in 0..tables {
            if matches!(cast.restriction(place), Restriction::Rows | Restriction::Cells) {
                told.push((place, texts(Some(place)).await != right));
            }
        }
        told
    }

    /// What is needed to make the tables again, and what their policies are.
    pub(in crate::oracle) fn described(&self, cast: Cast) -> String {
        let lines = cast.0.map(|number| format!("  {}", self.stages[number]));
        lines.join("\n")
    }
}
