//! The bare engine, without any guard: what the server's answers are compared with.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what the fence keeps out of the server is what its answers are compared with"
)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::prelude::{SessionConfig, SessionContext};
use url::Url;

use super::TableFiles;
use super::lake::DATABASE;
use super::rows::Rows;

/// An engine that knows one table, under the name that the server knows it by.
pub(crate) struct Peer {
    context: SessionContext,
    _folder: tempfile::TempDir,
}

impl Peer {
    /// A Delta table as deltalake's own provider reads it, from the local disk.
    pub(crate) async fn of_files(name: &str, files: &TableFiles) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in &files.0 {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        let table = deltalake::open_table(Url::from_directory_path(folder.path()).unwrap()).await.unwrap();
        let context = context();
        context.register_table(name, table.table_provider().await.unwrap()).unwrap();
        Self { context, _folder: folder }
    }

    /// The answer to a query, with the plan's own schema also if there are no rows.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Rows, DataFusionError> {
        let answer = self.context.sql(sql).await?;
        let schema = Arc::new(answer.schema().as_arrow().clone());
        let mut batches = answer.collect().await?;
        batches.push(RecordBatch::new_empty(schema));
        Ok(Rows::of(&batches))
    }
}

fn context() -> SessionContext {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema("lakegate", DATABASE)
        // One order of rows, whatever the machine.
        .with_target_partitions(1);
    // As on the server, which says why.
    config.options_mut().optimizer.enable_leaf_expression_pushdown = false;
    SessionContext::new_with_config(config)
}
