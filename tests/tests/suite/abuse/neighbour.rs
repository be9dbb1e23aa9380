//! The well-behaved client beside the hostile ones: a small query of a row-filtered user, and /healthz, again and again.

use std::time::Duration;

use lakegate_client::Connection;
use tokio::time::timeout;

use super::bounded::Bounded;
use super::run::PATIENCE;
use crate::support::rows;

/// Its user, of whom no hostile case makes use.
const USER: &str = "hr_partner";

/// A few rows behind a row filter, and what they are answered with is known before.
const SMALL: &str = "select id, name from hr.employees where id < 200";

const BETWEEN_QUERIES: Duration = Duration::from_millis(50);

/// See the file's head.
pub(super) struct Neighbour {
    connection: Connection,
    expected: String,
}

impl Neighbour {
    /// Logs in, and asks while nobody else does.
    pub(super) async fn of(server: &Bounded) -> Result<Self, String> {
        let connection = timeout(PATIENCE, server.connect(USER, USER)).await;
        let connection = connection.map_err(|_| "a login hangs")?.map_err(|error| error.to_string())?;
        let expected = answer(&connection).await?;
        Ok(Self { connection, expected })
    }

    /// Asks until it is dropped; ends with what went wrong.
    pub(super) async fn watch(&self, server: &Bounded) -> String {
        loop {
            if let Err(problem) = self.look(server).await {
                return problem;
            }
            tokio::time::sleep(BETWEEN_QUERIES).await;
        }
    }

    /// Asks once.
    pub(super) async fn look(&self, server: &Bounded) -> Result<(), String> {
        let found = answer(&self.connection).await?;
        if found != self.expected {
            return Err(format!("the neighbour is answered {found}, expected {}", self.expected));
        }
        match timeout(PATIENCE, server.admin("/healthz")).await {
            Ok(Ok(page)) if page.starts_with("HTTP/1.1 200") => Ok(()),
            Ok(Ok(page)) => Err(format!("/healthz: {}", page.lines().next().unwrap_or_default())),
            Ok(Err(error)) => Err(format!("/healthz: {error}")),
            Err(_) => Err("/healthz hangs".to_owned()),
        }
    }
}

async fn answer(connection: &Connection) -> Result<String, String> {
    match timeout(PATIENCE, rows(connection, SMALL)).await {
        Ok(Ok(batches)) => Ok(format!("{:?}", crate::delta::rows::Rows::of(&batches).texts())),
        Ok(Err(error)) => Err(format!("the neighbour's query fails: {error}")),
        Err(_) => Err("the neighbour's query hangs".to_owned()),
    }
}
