//! Completion scripts and manual pages, made from the same definition as the arguments themselves.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::output::OutputError;

const NAME: &str = "lakegate";

/// The completion script for a command shell.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    // Into memory first: the generator panics if it cannot write.
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    script
}

/// The manual page of the program.
pub(crate) fn manual() -> Result<Vec<u8>, OutputError> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    Ok(page)
}

/// Writes the manual pages of the program and of each of its commands into a folder.
pub(crate) fn manuals(folder: &Path) -> Result<(), OutputError> {
    Ok(clap_mangen::generate_to(Cli::command(), folder)?)
}
