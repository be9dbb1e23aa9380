//! Another reader of the same table: deltalake's own provider, on the local disk, asked by DataFusion without any guard.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what the fence keeps out of the server is what its answers are compared with"
)]

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::datafusion::prelude::SessionContext;
use url::Url;

use super::TableFiles;
use super::rows::Rows;

/// See the file's head.
pub(crate) struct Peer {
    context: SessionContext,
    _folder: tempfile::TempDir,
}

impl Peer {
    /// Opens a copy of a table.
    pub(crate) async fn of(files: &TableFiles) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in &files.0 {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        let table = deltalake::open_table(Url::from_directory_path(folder.path()).unwrap()).await.unwrap();
        let context = SessionContext::new();
        context.register_table("peer", table.table_provider().await.unwrap()).unwrap();
        Self { context, _folder: folder }
    }

    /// The rows of a query that must succeed.
    ///
    /// # Arguments
    /// * `sql` - with `{}` in place of the table's name.
    pub(crate) async fn rows(&self, sql: &str) -> Rows {
        let answer = self.context.sql(&sql.replace("{}", "peer")).await.unwrap();
        let schema = Arc::new(answer.schema().as_arrow().clone());
        let mut batches = answer.collect().await.unwrap();
        batches.push(RecordBatch::new_empty(schema));
        Rows::of(&batches)
    }
}
