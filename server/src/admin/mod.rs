//! The operator's side: health, readiness and metrics over plain HTTP.
//!
//! Meant for the operator's own network: it answers without a login, so it tells nothing about users, statements or data.
//! What keeps this server from work is told in constant words.
//! It outlives the front door during shutdown, so that `/readyz` can say that this server is going and no new work should
//! be sent to it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::telemetry::metrics::Metrics;

/// Media type of the Prometheus text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Tells why no statement can run now, if so.
pub(crate) type Obstacle = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// What the handlers share.
#[derive(Clone)]
struct Health {
    metrics: Arc<Metrics>,
    draining: CancellationToken,
    obstacle: Obstacle,
}

/// Serves health and metrics on `listener` for as long as it is polled. Not ready from the moment `draining` is cancelled.
///
/// It never ends by itself: who drops it decides when, and that is after the front door has ended.
///
/// # Errors
/// [`crate::error::ErrorKind::Internal`] if the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    draining: CancellationToken,
    obstacle: Obstacle,
) -> Result<(), Error> {
    let router = router(Health { metrics, draining, obstacle });
    let served = axum::serve(listener, router).await;
    served.map_err(|error| Error::internal(format!("the admin endpoint ended: {error}")))
}

fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
}

/// The process runs and its event loop turns.
async fn healthz() -> &'static str {
    "ok"
}

/// Whether new work may be sent here.
async fn readyz(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    match (health.obstacle)() {
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        None => (StatusCode::OK, "ok"),
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], health.metrics.render())
}

#[cfg(test)]
mod tests;
