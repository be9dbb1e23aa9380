//! The shell: statements and commands, one after the other, on one connection.
//!
//! At a terminal an error or Ctrl-C ends what is being done, and the shell goes on. Where statements come from a pipe
//! or a file, the first error ends the run, with the exit code that a single query would have.
//!
//! Results go to standard output and everything about them to standard error, as in the rest of the program.

mod command;
mod complete;
mod editor;
mod names;
mod statements;
mod tokens;
mod words;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lakegate_client::{ClientError, Connection, TableFilter, TableInfo};
use rustyline::error::ReadlineError;
use tokio::runtime::Runtime;
use tonic::Code;

use self::command::Command;
pub(crate) use self::command::CommandError;
use self::editor::{Input, LineEditor};
use self::names::Names;
use self::statements::{Item, split};
use crate::cli::{OutputArgs, read_file, text};
use crate::commands::{Request, close, connect, write_rows};
use crate::failure::{Failure, UsageError};
use crate::interrupt;
use crate::login::Login;
use crate::output::{Expanded, Format, OutputPlan, name};
use crate::terminal::{Style, escape, note, size_of_stdout};

/// Files that include files that include files.
const INCLUDE_DEPTH: usize = 16;

/// A shell that is not connected yet.
pub(crate) struct Shell {
    login: Login,
    output: OutputArgs,
}

impl Shell {
    pub(crate) fn new(login: Login, output: OutputArgs) -> Self {
        Self { login, output }
    }

    /// Talks with a person until that one leaves. Errors in between are told and survived.
    pub(crate) fn interact(self, runtime: &Runtime) -> Result<(), Failure> {
        let mut session = runtime.block_on(until_interrupted(self.connect(true)))?;
        let names = Names::default();
        let loading = runtime.spawn(names.clone().load(Arc::clone(&session.connection)));
        let prompt = format!("{}> ", session.login.profile.as_deref().unwrap_or("lakegate"));
        let style = Style::of_stream(std::io::stdout().is_terminal());
        let mut editor = LineEditor::open(names, style).map_err(terminal_failure)?;
        runtime.block_on(session.greet());
        let mut begun = String::new();
        loop {
            let input = match editor.read(&prompt, &begun).map_err(terminal_failure)? {
                Input::End => break,
                Input::Interrupted => {
                    begun.clear();
                    continue;
                }
                Input::Text(input) => input,
            };
            match runtime.block_on(session.take(&input)) {
                Some(rest) => begun = rest,
                None => break,
            }
        }
        loading.abort();
        // Aborted or done, it lets go of the connection only when it is awaited.
        drop(runtime.block_on(loading));
        runtime.block_on(session.leave());
        Ok(())
    }

    /// Runs what standard input holds, as soon as each statement is there.
    pub(crate) async fn run_standard_input(self) -> Result<(), Failure> {
        let mut session = self.connect(false).await?;
        let result = session.run_standard_input().await;
        session.leave().await;
        result
    }

    async fn connect(self, is_interactive: bool) -> Result<Session, Failure> {
        let connection = Arc::new(connect(&self.login.options).await?);
        Ok(Session {
            login: self.login,
            connection,
            output: self.output,
            is_interactive,
            timing: false,
            results_in_place: 0,
        })
    }
}

/// How the shell goes on.
enum Flow {
    GoOn,
    /// With these first, which stand in a file.
    Include(Vec<Item>),
    Leave,
}

/// A shell that is connected, with everything that its commands can set.
struct Session {
    login: Login,
    connection: Arc<Connection>,
    output: OutputArgs,
    is_interactive: bool,
    timing: bool,
    /// Results that were written to the current file or stream.
    results_in_place: usize,
}

impl Session {
    /// Does what a person typed. Returns what has begun and not ended, or `None` to leave.
    async fn take(&mut self, input: &str) -> Option<String> {
        let (items, rest) = match command::bare_command(input) {
            Some(command) => (vec![Item::Command(command.to_owned())], String::new()),
            None => {
                let split = split(input);
                (split.items, split.rest)
            }
        };
        match until_interrupted(self.run_all(items)).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(failure) => self.recover(failure).await,
        }
        Some(rest)
    }

    /// Tells a person about a failure, and logs in again if the session has ended.
    async fn recover(&mut self, failure: Failure) {
        match &failure {
            Failure::Interrupted => note("cancelled"),
            // A token would be sent as it was.
            Failure::Client(ClientError::Status(status))
                if status.code() == Code::Unauthenticated && self.login.user.is_some() =>
            {
                self.log_in_again().await;
            }
            _ => failure.print(),
        }
    }

    async fn log_in_again(&mut self) {
        match connect(&self.login.options).await {
            Ok(connection) => {
                self.connection = Arc::new(connection);
                note(
                    "The session had ended; logged in again. What SET and USE changed is as it was at first.",
                );
                note("Repeat the statement.");
            }
            Err(failure) => failure.print(),
        }
    }

    async fn run_standard_input(&mut self) -> Result<(), Failure> {
        let mut text = String::new();
        while let Some(line) = read_line().await? {
            text.push_str(&line);
            // Only these can end something.
            if !line.contains([';', '\\']) {
                continue;
            }
            let split = split(&text);
            if !self.run_all(split.items).await? {
                return Ok(());
            }
            text = split.rest;
        }
        let last = split(&text).into_items().ok_or(UsageError::UnfinishedStatement)?;
        self.run_all(last).await?;
        Ok(())
    }

    /// Runs statements and commands, to the first error. Returns whether the shell goes on.
    async fn run_all(&mut self, items: Vec<Item>) -> Result<bool, Failure> {
        // The files that include each other, the innermost last, with what is left of each.
        let mut open = vec![items.into_iter()];
        while let Some(innermost) = open.last_mut() {
            let Some(item) = innermost.next() else {
                open.pop();
                continue;
            };
            match self.run(item).await? {
                Flow::GoOn => {}
                Flow::Include(_) if open.len() > INCLUDE_DEPTH => {
                    return Err(CommandError::IncludesTooDeep.into());
                }
                Flow::Include(items) => open.push(items.into_iter()),
                Flow::Leave => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn run(&mut self, item: Item) -> Result<Flow, Failure> {
        match item {
            Item::Statement { sql, expanded } => {
                let mut plan = self.plan()?;
                if expanded {
                    plan.layout.expanded = Expanded::On;
                }
                self.write(Request::Statement(sql), &plan).await?;
            }
            Item::Command(line) => return self.command(command::parse(&line)?).await,
        }
        Ok(Flow::GoOn)
    }

    async fn command(&mut self, command: Command) -> Result<Flow, Failure> {
        match command {
            Command::Quit => return Ok(Flow::Leave),
            Command::Help => note(command::HELP),
            Command::ConnectionInfo => self.greet().await,
            Command::Databases => self.browse(Request::Databases).await?,
            Command::Tables(pattern) => self.browse(Request::Tables { pattern }).await?,
            Command::Named(name) => {
                let request = self.named(name).await?;
                self.browse(request).await?;
            }
            Command::Columns { database, table } => self.browse(Request::Columns { database, table }).await?,
            Command::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                note(&format!("timing is {}", word(self.timing)));
            }
            Command::Pager(on) => {
                self.output.no_pager = !on.unwrap_or(self.output.no_pager);
                note(&format!("the pager is {}", word(!self.output.no_pager)));
            }
            Command::Expanded(when) => {
                let other = if self.output.expanded == Expanded::Off { Expanded::On } else { Expanded::Off };
                self.output.expanded = when.unwrap_or(other);
                note(&format!("a line for each value is {}", name(&self.output.expanded)));
            }
            Command::Format(format) => {
                self.output.format = format.or(self.output.format);
                note(&format!("the format is {}", name(&self.output.format.unwrap_or(Format::Table))));
            }
            Command::Output(file) => {
                self.output.output = file;
                self.results_in_place = 0;
            }
            Command::Include(file) => return Ok(Flow::Include(statements_of(&file)?)),
        }
        Ok(Flow::GoOn)
    }

    /// Where the next result goes.
    fn plan(&self) -> Result<OutputPlan, UsageError> {
        let mut output = self.output.clone();
        if let Some(file) = &output.output {
            output.format = Format::of_file(file).or(output.format);
        }
        let plan = self.place(&output)?;
        if plan.follows && plan.format.is_binary() {
            return Err(UsageError::OneResultPerFile);
        }
        Ok(plan)
    }

    /// A plan that stands apart from the results before it.
    fn place(&self, output: &OutputArgs) -> Result<OutputPlan, UsageError> {
        let mut plan = output.plan(size_of_stdout())?;
        let is_same_place = plan.file == self.output.output;
        // At a terminal the line that counts the rows stands between two results.
        plan.follows = is_same_place && self.results_in_place > 0 && plan.screen.is_none();
        Ok(plan)
    }

    /// What a name without a dot means: a table if there is exactly one of that name, otherwise a database.
    async fn named(&self, name: String) -> Result<Request, Failure> {
        let filter = TableFilter { table_pattern: Some(name.clone()), ..TableFilter::default() };
        let mut found = self.connection.list_tables(filter).await?;
        // The name was sent as a pattern, in which `_` is any letter.
        found.retain(|table| table.name == name);
        Ok(match found.pop() {
            Some(TableInfo { database, name: table, .. }) if found.is_empty() => {
                Request::Columns { database, table }
            }
            _ => Request::Tables { pattern: Some(name) },
        })
    }

    /// Answers a question about the catalog, which goes to the screen in any case as a table.
    async fn browse(&mut self, request: Request) -> Result<(), Failure> {
        let mut output = self.output.clone();
        output.format = output.format.filter(|format| !format.is_binary());
        output.output = None;
        let plan = self.place(&output)?;
        self.write(request, &plan).await
    }

    async fn write(&mut self, request: Request, plan: &OutputPlan) -> Result<(), Failure> {
        let copied = write_rows(&self.connection, request, plan).await?;
        self.results_in_place += usize::from(copied.has_columns && plan.file == self.output.output);
        if let Some(line) = copied.note(plan, self.timing) {
            note(&line);
        }
        if self.is_interactive && plan.screen.is_some() {
            note("");
        }
        Ok(())
    }

    /// Says where the shell is connected.
    async fn greet(&self) {
        let server = match self.connection.server_info().await {
            Ok(server) => format!("{} {}", escape(&server.name), escape(&server.version)),
            // Whoever may log in may perhaps not ask for this.
            Err(_) => "a server".to_owned(),
        };
        let user = match &self.login.user {
            Some(user) => format!(" as {}", escape(user)),
            None => String::new(),
        };
        note(&format!("Connected to {server} at {}{user}.", self.login.options.url()));
        if self.is_interactive {
            note("\\? is help, \\q or Ctrl-D leaves.");
        }
    }

    async fn leave(self) {
        // Nobody else holds on to the connection by now.
        if let Some(connection) = Arc::into_inner(self.connection) {
            close(connection).await;
        }
    }
}

fn statements_of(file: &Path) -> Result<Vec<Item>, Failure> {
    let text = text(read_file(file)?, UsageError::StatementNotText)?;
    Ok(split(&text).into_items().ok_or(UsageError::UnfinishedStatement)?)
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Does the work, unless Ctrl-C comes first. Dropping the work cancels its query.
async fn until_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = interrupt() => Err(Failure::Interrupted),
    }
}

/// The next line of standard input with its end; `None` at the end.
async fn read_line() -> Result<Option<String>, Failure> {
    let failed = |source| Failure::Read { path: PathBuf::from("standard input"), source };
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    // The only other end of the task is that the program ends.
    reading.await.map_err(|_| Failure::Interrupted)?.map_err(failed)
}

fn terminal_failure(error: ReadlineError) -> Failure {
    let source = match error {
        ReadlineError::Io(source) => source,
        other => std::io::Error::other(other),
    };
    Failure::Read { path: PathBuf::from("the terminal"), source }
}
