//! Whether a ticket ends. Asked last, because it takes as long as the shortest lifetime.

use std::time::Duration;

use tonic::Code;

use super::{Examined, VARIABLE};
use crate::delta::lake::Lake;
use crate::support::start_server;
use crate::tickets;

/// Longer than the lifetime that the server is given, and the rounding to seconds.
const AFTERWARDS: Duration = Duration::from_millis(2100);

/// Redeems a ticket of a server with a fault when its time is over.
pub(super) async fn examined(lake: &Lake, fault: &str) -> Examined {
    let settings = [(VARIABLE, fault), ("LAKEGATE__SERVER__TICKET_TTL", "1s")];
    let server = start_server(&lake.sandbox, &settings).await;
    let mut analyst = tickets::login(&server, "analyst").await;
    let ticket = tickets::ticket(&mut analyst, "select 1").await;
    tokio::time::sleep(AFTERWARDS).await;
    let code = tickets::redeem(&mut analyst, ticket).await.err();
    let mut examined = Examined::default();
    examined.count((code != Some(Code::FailedPrecondition)).then(|| format!("a late ticket: {code:?}")));
    examined
}
