//! Where a Delta table lies: from its catalog entry to one bucket and one prefix, or a refusal.
//!
//! Whoever may alter a table's catalog entry chooses these strings, so they are read strictly: two different
//! locations in one entry refuse the table, and so does any spelling that two readers could understand differently.
//! Prefixes are compared by path segments, never as strings: `/a/b` does not cover `/a/bc`.

use object_store::path::{Path, PathPart};
use url::Url;

use crate::aws::GlueTable;
use crate::error::{Error, ErrorKind};
use crate::ids::TableName;

/// Spark writes this suffix where the true location stands in the SerDe parameters.
const PLACEHOLDER_SUFFIX: &str = "-__PLACEHOLDER__";

/// The root of a Delta table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct TableLocation {
    bucket: String,
    prefix: Path,
}

impl TableLocation {
    /// Finds the location of a table that the catalog marks as Delta.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for another format, [`ErrorKind::DataInvalid`] for a location that is missing,
    /// ambiguous or malformed. The location itself is named in the internal text only.
    pub(super) fn of(glue: &GlueTable, table: &TableName) -> Result<Self, Error> {
        if !is_delta(glue) {
            return Err(Error::new(ErrorKind::Unsupported, "this table is not a Delta table")
                .echoing(&table.to_string()));
        }
        let invalid = |reason: String| {
            Error::new(ErrorKind::DataInvalid, "the table's location in the data catalog cannot be used")
                .echoing(&table.to_string())
                .because(reason)
        };
        let storage_location =
            glue.location.as_deref().filter(|location| !location.ends_with(PLACEHOLDER_SUFFIX));
        let candidates = [glue.serde_path.as_deref(), storage_location]
            .into_iter()
            .flatten()
            .filter(|candidate| !candidate.is_empty())
            .map(|candidate| {
                Self::parse(candidate).ok_or_else(|| invalid(format!("cannot read {candidate:?}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        match candidates.as_slice() {
            [only] => Ok(only.clone()),
            [first, second] if first == second => Ok(first.clone()),
            [] => Err(invalid("no location".to_owned())),
            _ => Err(invalid(format!("two different locations: {candidates:?}"))),
        }
    }

    /// Reads `s3://bucket/key`; `s3a` and `s3n` mean the same. The key keeps its bytes but for one trailing slash.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        if !matches!(scheme, "s3" | "s3a" | "s3n") {
            return None;
        }
        let (bucket, key) = rest.split_once('/')?;
        let key = key.strip_suffix('/').unwrap_or(key);
        let bucket_is_sane = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
            });
        let key_is_ambiguous =
            key.bytes().any(|byte| matches!(byte, b'?' | b'#' | b'%' | b'\\') || byte < b' ')
                || key.split('/').any(|segment| matches!(segment, "" | "." | ".."));
        if !bucket_is_sane || key_is_ambiguous {
            return None;
        }
        Some(Self { bucket: bucket.to_owned(), prefix: Path::parse(key).ok()? })
    }

    /// The bucket's name.
    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key of the table's root folder, without a slash at its end.
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// `s3://bucket/prefix/`, percent-encoded.
    pub(super) fn url(&self) -> Result<Url, Error> {
        Url::parse(&format!("s3://{}/{}/", self.bucket, self.prefix))
            .map_err(|error| Error::internal(format!("table url: {error}")))
    }

    /// Whether an object lies inside the table, by segments. An object that is called as the folder lies beside it.
    pub(super) fn contains(&self, object: &Path) -> bool {
        object.prefix_match(&self.prefix).is_some_and(|mut below| below.next().is_some())
    }

    /// The object that a path of the log means: relative to the table's root or a URL of its own, percent-encoded
    /// (Delta protocol, "Add File and Remove File"). None if it is no object of this table.
    pub(super) fn resolve(&self, root: &Url, path: &str) -> Option<Path> {
        self.object(&root.join(path).ok()?)
    }

    /// The object that a URL means, if it belongs to this table.
    pub(super) fn object(&self, url: &Url) -> Option<Path> {
        let is_of_bucket = matches!(url.scheme(), "s3" | "s3a" | "s3n")
            && url.host_str() == Some(self.bucket())
            && url.port().is_none()
            && url.username().is_empty();
        // An unescaped `?` or `#` would cut the name.
        let is_whole = url.query().is_none() && url.fragment().is_none();
        let path = Path::from_url_path(url.path()).ok()?;
        (is_of_bucket && is_whole && self.contains(&path)).then_some(path)
    }

    /// Whether credentials that AWS says open `vended` open this table. AWS's spelling is not documented: a slash or
    /// `*` at the end is taken off.
    pub(super) fn is_opened_by(&self, vended: &str) -> bool {
        let bare = vended.strip_suffix('*').unwrap_or(vended);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let Some((bucket, key)) =
            bare.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        else {
            return false;
        };
        let mut wanted = self.prefix.parts();
        let opens_prefix = key
            .split('/')
            .filter(|segment| !segment.is_empty())
            .all(|segment| wanted.next().is_some_and(|part| part == PathPart::from(segment)));
        bucket == self.bucket && opens_prefix
    }
}

/// The markers that crawlers, Athena, Spark, Databricks and Trino leave; any one of them is enough, unless the entry
/// says Iceberg, whose columns Lake Formation would then have checked instead.
fn is_delta(glue: &GlueTable) -> bool {
    let says = |key: &str, value: &str| {
        glue.parameters
            .iter()
            .any(|(name, text)| name.eq_ignore_ascii_case(key) && text.eq_ignore_ascii_case(value))
    };
    let delta = says("table_type", "delta")
        || says("spark.sql.sources.provider", "delta")
        || says("classification", "delta");
    delta && !says("table_type", "iceberg")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn spellings_of_one_location_are_one_location() {
        let plain = TableLocation::parse("s3://bucket/a/b").unwrap();
        assert_eq!(TableLocation::parse("s3a://bucket/a/b/").unwrap(), plain);
        assert_eq!(TableLocation::parse("s3n://bucket/a/b").unwrap(), plain);
    }

    #[test]
    fn a_location_that_could_be_read_two_ways_is_refused() {
        for text in [
            "s3://bucket",
            "s3://bucket/",
            "s3://bucket/a//b",
            "s3://bucket/a/../b",
            "s3://bucket/./b",
            "s3://bucket/a%2fb",
            "s3://user@bucket/a",
            "s3://bucket:80/a",
            "s3://bucket/a?x",
            "s3://bucket/a#x",
            "file:///etc",
            "https://bucket/a",
        ] {
            assert_eq!(TableLocation::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_prefix_covers_whole_segments_only() {
        let table = TableLocation::parse("s3://bucket/a/b").unwrap();
        assert!(table.contains(&Path::from("a/b/part-0.parquet")));
        assert!(!table.contains(&Path::from("a/bc/part-0.parquet")));
        assert!(!table.contains(&Path::from("a")));
        assert!(!table.contains(&Path::from("a/b")), "an object beside the folder");
    }

    #[test]
    fn vended_paths_are_compared_by_segments() {
        let table = TableLocation::parse("s3://bucket/a/bc").unwrap();
        for opening in
            ["s3://bucket/a/bc", "s3://bucket/a/bc/", "s3://bucket/a/bc/*", "s3://bucket/a/", "s3://bucket"]
        {
            assert!(table.is_opened_by(opening), "{opening}");
        }
        for other in ["s3://bucket/a/b", "s3://other/a/bc", "s3://bucket/a/bc/d", "", "bucket/a"] {
            assert!(!table.is_opened_by(other), "{other}");
        }
    }
}
