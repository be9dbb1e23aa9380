//! The health service that load balancers and orchestrators ask (`grpc.health.v1`), without a login.
//!
//! It knows two names: the empty one, which is the server, and the Flight service; both have the same state.

use arrow_flight::flight_service_server::FlightServiceServer;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::front_door::FrontDoor;

const NAMES: [&str; 2] = ["", <FlightServiceServer<FrontDoor> as NamedService>::NAME];

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
