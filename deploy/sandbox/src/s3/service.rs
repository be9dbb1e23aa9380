//! The S3 operations that the sandbox serves; `s3s` answers all others with NotImplemented.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::bytes_io::{Written, concatenate, write};
use super::store::{Attributes, Condition, Listing, Object as StoredObject, Query, Store};
use super::uploads::Uploads;

/// The largest page of a listing, in entries.
const PAGE: i32 = 1000;

/// The objects of the account.
pub(super) struct Objects {
    folder: PathBuf,
    store: Store,
    uploads: Uploads,
}

type Answer<T> = S3Result<S3Response<T>>;

fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

impl Objects {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), store: Store::default(), uploads: Uploads::default() }
    }

    /// One page of a bucket: the marker is where the last page ended.
    fn page(&self, input: &ListObjectsV2Input) -> S3Result<Listing> {
        let marker = input.continuation_token.as_deref().or(input.start_after.as_deref()).unwrap_or_default();
        let limit = input.max_keys.unwrap_or(PAGE).clamp(0, PAGE);
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: marker,
            limit: usize::try_from(limit).unwrap_or_default(),
        };
        self.store.list(&input.bucket, &query)
    }
}

#[async_trait::async_trait]
impl S3 for Objects {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        self.store.create_bucket(&request.input.bucket)?;
        let location = Some(format!("/{}", request.input.bucket));
        answer(CreateBucketOutput { location })
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.store.delete_bucket(&request.input.bucket)?;
        answer(DeleteBucketOutput {})
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.store.require_bucket(&request.input.bucket)?;
        let bucket_region = Some(crate::state::REGION.to_owned());
        answer(HeadBucketOutput { bucket_region, ..Default::default() })
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.store.require_bucket(&request.input.bucket)?;
        // The Region of the sandbox is the one that S3 denotes by an empty constraint.
        answer(GetBucketLocationOutput::default())
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let bucket = |(name, created): (String, SystemTime)| Bucket {
            name: Some(name),
            creation_date: Some(Timestamp::from(created)),
            ..Default::default()
        };
        let buckets = self.store.buckets().into_iter().map(bucket).collect();
        answer(ListBucketsOutput { buckets: Some(buckets), ..Default::default() })
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let input = request.input;
        let object = self.store.get(&input.bucket, &input.key)?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let full = object.length;
        let (range, content_range) = match input.range {
            None => (0..full, None),
            Some(asked) => {
                let range = asked.check(full)?;
                let shown = format!("bytes {}-{}/{full}", range.start, range.end - 1);
                (range, Some(shown))
            }
        };
        answer(GetObjectOutput {
            content_length: i64::try_from(range.end - range.start).ok(),
            body: Some(object.file.read(range).await?),
            content_range,
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(object.e_tag),
            last_modified: Some(Timestamp::from(object.modified)),
            content_type: object.attributes.content_type,
            content_encoding: object.attributes.content_encoding,
            metadata: object.attributes.metadata,
            ..Default::default()
        })
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let input = request.input;
        let object = self.store.get(&input.bucket, &input.key)?;
        check_read(&object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        answer(HeadObjectOutput {
            content_length: i64::try_from(object.length).ok(),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(object.e_tag),
            last_modified: Some(Timestamp::from(object.modified)),
            content_type: object.attributes.content_type,
            content_encoding: object.attributes.content_encoding,
            metadata: object.attributes.metadata,
            ..Default::default()
        })
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let marker = input.marker.clone();
        let listing = self.page(&ListObjectsV2Input::from(input.clone()))?;
        let is_truncated = Some(listing.next_after.is_some());
        let next_marker = listing.next_after.clone();
        let (contents, common_prefixes) = contents(listing);
        answer(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            marker,
            next_marker,
            is_truncated,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            ..Default::default()
        })
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let listing = self.page(&input)?;
        let is_truncated = Some(listing.next_after.is_some());
        let next_continuation_token = listing.next_after.clone();
        let (contents, common_prefixes) = contents(listing);
        answer(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
            continuation_token: input.continuation_token,
            next_continuation_token,
            start_after: input.start_after,
            is_truncated,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes),
            ..Default::default()
        })
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let input = request.input;
        self.store.require_bucket(&input.bucket)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let written = write(&self.folder, body).await?;
        let e_tag = ETag::Strong(hex::encode(written.md5));
        let object = StoredObject {
            file: written.file,
            length: written.length,
            e_tag: e_tag.clone(),
            modified: SystemTime::now(),
            attributes: Attributes {
                content_type: input.content_type,
                content_encoding: input.content_encoding,
                metadata: input.metadata,
            },
        };
        let condition = Condition { if_none_match: input.if_none_match, if_match: input.if_match };
        self.store.put(&input.bucket, &input.key, object, &condition)?;
        answer(PutObjectOutput { e_tag: Some(e_tag), ..Default::default() })
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "The sandbox copies from buckets only"));
        };
        let mut object = self.store.get(bucket, key)?;
        object.modified = SystemTime::now();
        let (e_tag, modified) = (object.e_tag.clone(), object.modified);
        // Both objects share one file: files are never changed once written.
        self.store.put(&input.bucket, &input.key, object, &Condition::default())?;
        let result = CopyObjectResult {
            e_tag: Some(e_tag),
            last_modified: Some(Timestamp::from(modified)),
            ..Default::default()
        };
        answer(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        self.store.delete(&request.input.bucket, &request.input.key)?;
        answer(DeleteObjectOutput::default())
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            self.store.delete(&request.input.bucket, &object.key)?;
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        let deleted = (request.input.delete.quiet != Some(true)).then_some(deleted);
        answer(DeleteObjectsOutput { deleted, ..Default::default() })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let input = request.input;
        self.store.require_bucket(&input.bucket)?;
        let attributes = Attributes {
            content_type: input.content_type,
            content_encoding: input.content_encoding,
            metadata: input.metadata,
        };
        let upload_id = self.uploads.start(&input.bucket, &input.key, attributes);
        answer(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            ..Default::default()
        })
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let input = request.input;
        let upload = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
        self.uploads.parts(upload)?;
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let part = write(&self.folder, body).await?;
        let e_tag = self.uploads.add_part(upload, input.part_number, part)?;
        answer(UploadPartOutput { e_tag: Some(e_tag), ..Default::default() })
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let input = request.input;
        let arrived = self.uploads.parts((&input.bucket, &input.key, &input.upload_id))?;
        let part = |(number, part): (i32, Written)| Part {
            part_number: Some(number),
            size: i64::try_from(part.length).ok(),
            e_tag: Some(ETag::Strong(hex::encode(part.md5))),
            ..Default::default()
        };
        answer(ListPartsOutput {
            parts: Some(arrived.into_iter().map(part).collect()),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..Default::default()
        })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let input = request.input;
        let upload = (input.bucket.as_str(), input.key.as_str(), input.upload_id.as_str());
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let completed = self.uploads.complete(upload, &named)?;
        let object = StoredObject {
            file: concatenate(&self.folder, &completed.files).await?,
            length: completed.length,
            e_tag: completed.e_tag.clone(),
            modified: SystemTime::now(),
            attributes: completed.attributes,
        };
        let condition = Condition { if_none_match: input.if_none_match, if_match: input.if_match };
        self.store.put(&input.bucket, &input.key, object, &condition)?;
        self.uploads.abort(upload)?;
        answer(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            e_tag: Some(completed.e_tag),
            ..Default::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        self.uploads.abort((&input.bucket, &input.key, &input.upload_id))?;
        answer(AbortMultipartUploadOutput::default())
    }
}

/// The conditions of a read.
fn check_read(
    object: &StoredObject,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let is_met = |condition: &ETagCondition| match condition.as_etag() {
        Some(e_tag) => object.e_tag.weak_cmp(e_tag),
        None => condition.is_any(),
    };
    if if_match.is_some_and(|condition| !is_met(condition)) {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    if if_none_match.is_some_and(is_met) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

/// The wire form of a page.
///
/// Keys are never URL-encoded: a client that asks for it decodes only when the answer says that it is so.
fn contents(listing: Listing) -> (Vec<Object>, Vec<CommonPrefix>) {
    let object = |(key, object): (String, StoredObject)| Object {
        key: Some(key),
        size: i64::try_from(object.length).ok(),
        e_tag: Some(object.e_tag),
        last_modified: Some(Timestamp::from(object.modified)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    };
    let prefix = |prefix| CommonPrefix { prefix: Some(prefix) };
    let objects = listing.objects.into_iter().map(object).collect();
    (objects, listing.common_prefixes.into_iter().map(prefix).collect())
}
