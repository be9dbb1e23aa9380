//! Who is connected, as far as the port knows it: the address, and whether somebody has logged in over the connection.
//!
//! A connection without a login costs its client nothing, so one address may have only so many of them. Where many clients
//! share an address that would be a limit for all of them together: that of a load balancer is exempt if the operator names
//! it, and the default leaves room for one that nobody named.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tonic::transport::server::TcpConnectInfo;

use crate::ids::PeerNetwork;
use crate::settings::Networks;

/// Connections without a login, by address. Has an entry for each address that has one: as many as there are connections.
type Pending = Arc<Mutex<HashMap<PeerNetwork, usize>>>;

/// Counts those who have not logged in.
pub(super) struct Visitors {
    most: usize,
    exempt: Networks,
    pending: Pending,
}

impl Visitors {
    /// # Arguments
    /// * `most` - connections of one address without a login.
    /// * `exempt` - addresses that many clients share.
    pub(super) fn new(most: usize, exempt: Networks) -> Self {
        Self { most, exempt, pending: Arc::default() }
    }

    /// A new connection, unless its address has too many that nobody has logged in over.
    pub(super) fn enter(&self, peer: SocketAddr) -> Option<Arc<Visitor>> {
        let counted = if self.exempt.contain(peer.ip()) {
            None
        } else {
            let network = PeerNetwork::of(peer.ip());
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let count = pending.entry(network).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
            Some(Counted { network, pending: Arc::clone(&self.pending) })
        };
        Some(Arc::new(Visitor { peer, is_known: AtomicBool::new(false), counted: Mutex::new(counted) }))
    }
}

/// The other end of a connection.
pub(super) struct Visitor {
    peer: SocketAddr,
    is_known: AtomicBool,
    counted: Mutex<Option<Counted>>,
}

impl Visitor {
    /// The address, as the socket has it.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The same in tonic's form.
    pub(super) fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: None, remote_addr: Some(self.peer) }
    }

    /// Whether somebody has logged in, or shown a valid token.
    pub(super) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// Somebody has logged in, or shown a valid token.
    pub(super) fn logged_in(&self) {
        if !self.is_known.swap(true, Ordering::Relaxed) {
            self.counted.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// One connection without a login, until dropped.
struct Counted {
    network: PeerNetwork,
    pending: Pending,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = pending.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                pending.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    #[test]
    fn connections_are_counted_by_address_and_nothing_is_kept_of_those_that_ended() {
        let visitors = Visitors::new(2, Networks::default());
        let peer = |address: &str| address.parse::<SocketAddr>().unwrap();
        let held = [visitors.enter(peer("10.0.0.1:1")).unwrap(), visitors.enter(peer("10.0.0.1:2")).unwrap()];
        assert!(visitors.enter(peer("10.0.0.1:3")).is_none());
        assert!(visitors.enter(peer("[::ffff:10.0.0.1]:3")).is_none(), "the same address");
        assert!(visitors.enter(peer("10.0.0.2:1")).is_some());
        let of_block =
            ["[2001:db8::1]:1", "[2001:db8::2]:1"].map(|address| visitors.enter(peer(address)).unwrap());
        assert!(visitors.enter(peer("[2001:db8::3]:1")).is_none(), "the same /64");
        drop((held, of_block));
        assert!(visitors.pending.lock().unwrap().is_empty());
    }
}
