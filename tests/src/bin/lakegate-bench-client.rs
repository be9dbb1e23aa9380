//! `lakegate-client` as a program that stays connected, for `tests/bench/rust.py`: what a Rust program sees, as it comes,
//! with the runtime that programs have by default.
//!
//! Each line of its input is one statement. Each line of its output tells how that ended: the number of rows, or
//! `error` and why. Rows are decoded and dropped.

use std::error::Error;
use std::io::{BufRead, Write};

use futures::TryStreamExt;
use lakegate_client::{ClientError, ConnectOptions, Connection, Credentials};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, credentials) = match arguments.as_slice() {
        // A server that asks nobody who they are takes any token.
        [url] => (url, Credentials::token("nobody")?),
        [url, user] => (url, Credentials::password(user, user)?),
        _ => return Err("usage: <url> [<user>]".into()),
    };
    let connection = Connection::connect(&ConnectOptions::new(url.parse()?, credentials)).await?;
    for statement in std::io::stdin().lock().lines() {
        let mut out = std::io::stdout().lock();
        match rows(&connection, &statement?).await {
            Ok(rows) => writeln!(out, "{rows}")?,
            Err(error) => writeln!(out, "error {error}")?,
        }
        out.flush()?;
    }
    Ok(())
}

async fn rows(connection: &Connection, statement: &str) -> Result<usize, ClientError> {
    let batches = connection.query(statement).await?;
    batches.try_fold(0, async |rows, batch| Ok(rows + batch.num_rows())).await
}
