//! The probes, asked of servers with a fault: [`mutants`](crate::mutants) wants to know whether they tell the lakes apart.

use std::sync::Arc;

use super::difference::difference;
use super::framing;
use super::grants::RESTRICTED;
use super::pair::{Callers, ONE_THREAD, Pair, Servers};
use super::probes::CHANNELS;

/// A server with one fault in front of each lake.
pub(crate) struct PairedServers {
    callers: Callers,
    _servers: Servers,
}

impl PairedServers {
    /// # Arguments
    /// * `fault` - the variable that names it, and its name.
    pub(crate) async fn start(pair: &Pair, fault: (&str, &str)) -> Self {
        let servers = pair.servers(&[ONE_THREAD, fault]).await;
        Self { callers: servers.log_in(RESTRICTED).await, _servers: servers }
    }

    /// How the answers of the two to one statement differ.
    pub(crate) async fn difference(&self, sql: &str) -> Option<String> {
        let answers = self.callers.ask(async |caller| caller.rows(sql).await).await;
        difference(&answers).map(|difference| format!("{sql}\n    {difference}"))
    }
}

/// The pair of lakes.
pub(crate) async fn paired_lakes() -> Arc<Pair> {
    Pair::shared().await
}

/// All statements whose answers follow from what is visible, a statement of each channel after the other.
pub(crate) fn probes() -> Vec<String> {
    let owned = |probes: &[(&str, &str)]| probes.iter().map(|(_, sql)| (*sql).to_owned()).collect::<Vec<_>>();
    let mut channels: Vec<Vec<String>> =
        CHANNELS.iter().map(|channel| [owned(channel.of_rows), owned(channel.of_order)].concat()).collect();
    channels.push(framing::statements());
    let longest = channels.iter().map(Vec::len).max().unwrap_or_default();
    (0..longest)
        .flat_map(|turn| channels.iter().filter_map(move |channel| channel.get(turn).cloned()))
        .collect()
}
