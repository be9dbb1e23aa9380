//! What breaks while statements run: AWS in every way, the server's process, its disk, its clock.
//!
//! The matrix takes each service, each way to break it and each moment of a statement. A cell demands the right error, or all
//! rows; never some of the rows that look like all. Whatever happened, the next statement on the same connection is served, and
//! nothing of the failed one is left. Cells that cannot be are listed with their reason in [`cells`].
//!
//! The account's clock stands so that every session and every key is nearly over when it is made: the server asks for new ones
//! before each request to S3, so that renewal happens in every statement and not once an hour.

mod cells;
mod clock;
mod killed;
mod matrix;
mod passing;
mod spill;
mod stage;
