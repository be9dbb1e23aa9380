//! Multipart uploads in progress: their parts, and the checks on completing them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{CompletedPart, ETag};
use s3s::{S3Result, s3_error};
use uuid::Uuid;

use super::bytes_io::{ObjectFile, Written};
use super::store::Attributes;

const SMALLEST_PART: u64 = 5 << 20;
const PART_NUMBERS: std::ops::RangeInclusive<i32> = 1..=10_000;

/// The uploads by id.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Upload>>);

struct Upload {
    bucket: String,
    key: String,
    attributes: Attributes,
    parts: BTreeMap<i32, Written>,
}

/// A complete upload, ready to be joined.
pub(super) struct Completed {
    pub(super) files: Vec<Arc<ObjectFile>>,
    /// In bytes.
    pub(super) length: u64,
    pub(super) e_tag: ETag,
    pub(super) attributes: Attributes,
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An upload id belongs to one bucket and key and is unknown everywhere else.
    fn with<T>(
        &self,
        (bucket, key, id): (&str, &str, &str),
        act: impl FnOnce(&mut Upload) -> S3Result<T>,
    ) -> S3Result<T> {
        match self.lock().get_mut(id) {
            Some(upload) if upload.bucket == bucket && upload.key == key => act(upload),
            _ => Err(s3_error!(NoSuchUpload, "The specified multipart upload does not exist")),
        }
    }

    pub(super) fn start(&self, bucket: &str, key: &str, attributes: Attributes) -> String {
        let id = Uuid::new_v4().to_string();
        let upload =
            Upload { bucket: bucket.to_owned(), key: key.to_owned(), attributes, parts: BTreeMap::new() };
        self.lock().insert(id.clone(), upload);
        id
    }

    pub(super) fn add_part(&self, upload: (&str, &str, &str), number: i32, part: Written) -> S3Result<ETag> {
        if !PART_NUMBERS.contains(&number) {
            return Err(s3_error!(InvalidArgument, "Part number must be between 1 and 10000"));
        }
        let e_tag = ETag::Strong(hex::encode(part.md5));
        self.with(upload, |upload| {
            upload.parts.insert(number, part);
            Ok(e_tag)
        })
    }

    /// The parts that have arrived, by number.
    pub(super) fn parts(&self, upload: (&str, &str, &str)) -> S3Result<BTreeMap<i32, Written>> {
        self.with(upload, |upload| Ok(upload.parts.clone()))
    }

    pub(super) fn abort(&self, upload: (&str, &str, &str)) -> S3Result<()> {
        self.with(upload, |_| Ok(()))?;
        self.lock().remove(upload.2);
        Ok(())
    }

    /// The upload made of the named parts. It stays until [`Self::abort`], so that a failed completion can be retried.
    pub(super) fn complete(
        &self,
        upload: (&str, &str, &str),
        named: &[CompletedPart],
    ) -> S3Result<Completed> {
        self.with(upload, |upload| {
            let mut files = Vec::with_capacity(named.len());
            let mut md5 = Md5::new();
            let (mut last_number, mut length) = (0, 0);
            for (at, named_part) in named.iter().enumerate() {
                let number = named_part.part_number.unwrap_or_default();
                if number <= last_number {
                    return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order"));
                }
                last_number = number;
                let part = upload.parts.get(&number).filter(|part| is_named(part, named_part));
                let part =
                    part.ok_or_else(|| s3_error!(InvalidPart, "A specified part could not be found"))?;
                if at + 1 < named.len() && part.length < SMALLEST_PART {
                    return Err(s3_error!(
                        EntityTooSmall,
                        "A part other than the last is smaller than 5 MiB"
                    ));
                }
                md5.update(&part.md5);
                length += part.length;
                files.push(Arc::clone(&part.file));
            }
            if files.is_empty() {
                return Err(s3_error!(InvalidRequest, "You must specify at least one part"));
            }
            let e_tag = ETag::Strong(format!("{}-{}", hex::encode(md5.finalize()), files.len()));
            Ok(Completed { files, length, e_tag, attributes: upload.attributes.clone() })
        })
    }
}

fn is_named(part: &Written, named: &CompletedPart) -> bool {
    named.e_tag.as_ref().is_none_or(|e_tag| e_tag.value() == hex::encode(part.md5))
}
