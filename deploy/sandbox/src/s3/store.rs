//! The index of buckets and objects. Bytes are on disk, everything else here, behind one mutex.
//!
//! A write first stores its bytes and then enters the index; the condition of a conditional write is checked at that
//! moment, under the lock, so of two writers with `If-None-Match: *` exactly one wins. A file lives as long as
//! someone holds its [`ObjectFile`], so replacing or deleting an object does not disturb those who read it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use s3s::dto::{ETag, ETagCondition, Metadata};
use s3s::{S3Error, S3Result, s3_error};

use super::bytes_io::ObjectFile;

/// An object's metadata and where its bytes are.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) file: Arc<ObjectFile>,
    /// In bytes.
    pub(super) length: u64,
    pub(super) e_tag: ETag,
    pub(super) modified: SystemTime,
    pub(super) attributes: Attributes,
}

/// What a writer says about an object beside its bytes.
#[derive(Clone, Default)]
pub(super) struct Attributes {
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) metadata: Option<Metadata>,
}

/// The condition of a write.
#[derive(Default)]
pub(super) struct Condition {
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_match: Option<ETagCondition>,
}

/// What a listing asks for.
pub(super) struct Query<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Only what sorts after this is listed.
    pub(super) after: &'a str,
    pub(super) limit: usize,
}

/// One page of a listing.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) objects: Vec<(String, Object)>,
    pub(super) common_prefixes: BTreeSet<String>,
    /// The last entry of this page, if more follow.
    pub(super) next_after: Option<String>,
}

type Bucket = BTreeMap<String, Object>;

/// The buckets.
#[derive(Default)]
pub(super) struct Store(Mutex<BTreeMap<String, (SystemTime, Bucket)>>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (SystemTime, Bucket)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, bucket: &str, act: impl FnOnce(&mut Bucket) -> S3Result<T>) -> S3Result<T> {
        match self.lock().get_mut(bucket) {
            Some((_, objects)) => act(objects),
            None => Err(s3_error!(NoSuchBucket, "The specified bucket does not exist")),
        }
    }

    pub(super) fn create_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.lock();
        if buckets.contains_key(name) {
            return Err(s3_error!(BucketAlreadyOwnedByYou, "The bucket exists and is yours already"));
        }
        buckets.insert(name.to_owned(), (SystemTime::now(), Bucket::new()));
        Ok(())
    }

    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        self.require_bucket(name)?;
        self.with(name, |objects| if objects.is_empty() { Ok(()) } else { Err(s3_error!(BucketNotEmpty)) })?;
        self.lock().remove(name);
        Ok(())
    }

    pub(super) fn require_bucket(&self, name: &str) -> S3Result<()> {
        self.with(name, |_| Ok(()))
    }

    /// The names of the buckets with their creation times.
    pub(super) fn buckets(&self) -> Vec<(String, SystemTime)> {
        self.lock().iter().map(|(name, (created, _))| (name.clone(), *created)).collect()
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> S3Result<Object> {
        self.with(bucket, |objects| objects.get(key).cloned().ok_or_else(no_such_key))
    }

    /// Enters an object if `condition` holds now.
    pub(super) fn put(&self, bucket: &str, key: &str, object: Object, condition: &Condition) -> S3Result<()> {
        self.with(bucket, |objects| {
            condition.check(objects.get(key))?;
            objects.insert(key.to_owned(), object);
            Ok(())
        })
    }

    /// Deleting what is not there succeeds, as on S3.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> S3Result<()> {
        self.with(bucket, |objects| {
            objects.remove(key);
            Ok(())
        })
    }

    /// Lists in key order. Keys that share the part up to the delimiter count as one entry.
    pub(super) fn list(&self, bucket: &str, query: &Query<'_>) -> S3Result<Listing> {
        self.with(bucket, |objects| {
            if query.limit == 0 {
                return Ok(Listing::default());
            }
            let start = if query.after >= query.prefix {
                Bound::Excluded(query.after)
            } else {
                Bound::Included(query.prefix)
            };
            let matching = objects.range::<str, _>((start, Bound::Unbounded));
            let mut listing = Listing::default();
            let mut last = String::new();
            for (key, object) in matching.take_while(|(key, _)| key.starts_with(query.prefix)) {
                let group = query.group_of(key);
                // A page may end inside a group of keys; the marker then is the group, which sorts before its keys.
                let is_listed = group.as_ref().is_some_and(|group| {
                    listing.common_prefixes.contains(group) || query.after.starts_with(group.as_str())
                });
                if is_listed {
                    continue;
                }
                if listing.objects.len() + listing.common_prefixes.len() == query.limit {
                    listing.next_after = Some(last);
                    return Ok(listing);
                }
                last = group.clone().unwrap_or_else(|| key.clone());
                match group {
                    Some(group) => {
                        listing.common_prefixes.insert(group);
                    }
                    None => listing.objects.push((key.clone(), object.clone())),
                }
            }
            Ok(listing)
        })
    }
}

impl Query<'_> {
    fn group_of(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = &key[self.prefix.len()..];
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{}{}", self.prefix, &rest[..end]))
    }
}

impl Condition {
    fn check(&self, existing: Option<&Object>) -> S3Result<()> {
        let is_met_by = |condition: &ETagCondition, object: &Object| match condition.as_etag() {
            Some(e_tag) => object.e_tag.strong_cmp(e_tag),
            None => condition.is_any(),
        };
        let exists_but_must_not = self
            .if_none_match
            .as_ref()
            .is_some_and(|condition| existing.is_some_and(|object| is_met_by(condition, object)));
        let must_exist_but_does_not = self
            .if_match
            .as_ref()
            .is_some_and(|condition| !existing.is_some_and(|object| is_met_by(condition, object)));
        if exists_but_must_not || must_exist_but_does_not {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold"
            ));
        }
        Ok(())
    }
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn object() -> Object {
        Object {
            file: Arc::new(ObjectFile::at("/nonexistent/sandbox-test".into())),
            length: 0,
            e_tag: ETag::Strong("x".into()),
            modified: SystemTime::UNIX_EPOCH,
            attributes: Attributes::default(),
        }
    }

    fn store(keys: &[&str]) -> Store {
        let store = Store::default();
        store.create_bucket("b").unwrap();
        for key in keys {
            store.put("b", key, object(), &Condition::default()).unwrap();
        }
        store
    }

    /// All entries of a listing, in pages of `limit`.
    fn entries(
        store: &Store,
        prefix: &str,
        delimiter: Option<&str>,
        after: &str,
        limit: usize,
    ) -> Vec<String> {
        let mut after = after.to_owned();
        let mut entries = Vec::new();
        loop {
            let page = store.list("b", &Query { prefix, delimiter, after: &after, limit }).unwrap();
            let mut names: Vec<String> = page.objects.into_iter().map(|(key, _)| key).collect();
            names.extend(page.common_prefixes);
            names.sort();
            entries.extend(names);
            match page.next_after {
                Some(next) => after = next,
                None => return entries,
            }
        }
    }

    #[test]
    fn listings_are_the_same_in_pages_of_any_size() {
        let store = store(&["a", "a/1", "a/2", "ab/1", "b", "b/x/y", "b/x/z", "c"]);
        for limit in 1..9 {
            assert_eq!(entries(&store, "", Some("/"), "", limit), ["a", "a/", "ab/", "b", "b/", "c"]);
            assert_eq!(entries(&store, "a", None, "", limit), ["a", "a/1", "a/2", "ab/1"]);
            assert_eq!(entries(&store, "b/", Some("/"), "", limit), ["b/x/"]);
        }
    }

    #[test]
    fn a_listing_starts_after_the_given_key() {
        let store = store(&["a/1", "a/2", "a/3"]);
        assert_eq!(entries(&store, "a/", None, "a/1", 10), ["a/2", "a/3"]);
        assert_eq!(entries(&store, "a/", None, "0", 10), ["a/1", "a/2", "a/3"]);
        assert_eq!(entries(&store, "a/", None, "b", 10), Vec::<String>::new());
    }

    #[test]
    fn keys_are_literal() {
        let store = store(&["a/../b", "a//b", "a/"]);
        assert_eq!(entries(&store, "", None, "", 10), ["a/", "a/../b", "a//b"]);
        assert!(store.get("b", "b").is_err());
    }

    #[test]
    fn a_conditional_write_loses_against_an_existing_object() {
        let store = store(&["a"]);
        let none_match = |e_tag: &str| Condition { if_none_match: e_tag.parse().ok(), if_match: None };
        assert!(store.put("b", "a", object(), &none_match("*")).is_err());
        assert!(store.put("b", "new", object(), &none_match("*")).is_ok());
        let matching = |e_tag: &str| Condition { if_match: e_tag.parse().ok(), if_none_match: None };
        assert!(store.put("b", "a", object(), &matching("\"y\"")).is_err());
        assert!(store.put("b", "a", object(), &matching("\"x\"")).is_ok());
        assert!(store.put("b", "missing", object(), &matching("*")).is_err());
    }
}
