//! The command line `lakegate`: arguments in, rows out, one line on standard error if it fails.
//!
//! The work runs on its own task, so that Ctrl-C is heard also while a write to a full pipe
//! blocks. Dropping that task drops the row stream, which cancels the query on the server, and
//! the temporary output file, which deletes it.

mod cli;
mod commands;
mod documents;
mod failure;
mod login;
mod output;
mod profile;
mod progress;
mod results;
mod shell;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::cli::Cli;
use crate::commands::Task;
use crate::failure::Failure;

/// How long an interrupted task may take to clean up.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let result = commands::prepare(Cli::parse()).and_then(execute);
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    failure.print();
    ExitCode::from(failure.exit_code())
}

fn execute(task: Task) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread()
        // One drives the connection while the other formats and writes.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = match task {
        Task::Shell(shell) => shell.interact(&runtime),
        task => run_until_interrupted(&runtime, task),
    };
    // What still runs now is a read or a write that nobody waits for any more.
    runtime.shutdown_background();
    result
}

fn run_until_interrupted(runtime: &Runtime, task: Task) -> Result<(), Failure> {
    runtime.block_on(async {
        let mut work = tokio::spawn(commands::run(task));
        tokio::select! {
            finished = &mut work => match finished {
                Ok(result) => result,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_cancelled) => Err(Failure::Interrupted),
                },
            },
            () = interrupt() => {
                work.abort();
                if output::is_paging() {
                    // The pager got the signal as well, and its user decides when it ends.
                    drop(work.await);
                } else {
                    drop(tokio::time::timeout(CLEANUP_TIMEOUT, work).await);
                }
                Err(Failure::Interrupted)
            }
        }
    })
}

/// Waits for Ctrl-C. Where signals cannot be listened to, Ctrl-C ends the process by itself.
pub(crate) async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
