//! The health service that load balancers and orchestrators ask (`grpc.health.v1`), without a login.
//!
//! It knows two names: the empty one, which is the server, and the Flight service; both have the same state.

use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::front_door::FrontDoor;

const NAMES: [&str; 2] = ["", <FlightServiceServer<FrontDoor> as NamedService>::NAME];

/// Time between two looks whether statements can run.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What the health service answers.
pub(super) struct Health(HealthReporter);

impl Health {
    /// A server that takes work.
    pub(super) async fn serving() -> Self {
        let health = Self(HealthReporter::new());
        health.set(ServingStatus::Serving).await;
        health
    }

    /// The service that says so.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }

    /// Follows whether statements can run now, for as long as it is polled.
    pub(super) async fn follow(&self, can_run: impl Fn() -> bool) {
        let mut told = true;
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = can_run();
            if now != told {
                self.set(if now { ServingStatus::Serving } else { ServingStatus::NotServing }).await;
                told = now;
            }
        }
    }

    /// New work shall go elsewhere. Whoever watches is told at once.
    pub(super) async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Ends the streams of those who watch: they have no end of their own, and a server that drains waits for streams.
    pub(super) async fn close(mut self) {
        for name in NAMES {
            self.0.clear_service_status(name).await;
        }
    }

    async fn set(&self, status: ServingStatus) {
        for name in NAMES {
            self.0.set_service_status(name, status).await;
        }
    }
}
