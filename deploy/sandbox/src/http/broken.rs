//! Answers that go wrong on their way.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use s3s::Body;

/// Time for the first half of a body to leave before the connection ends.
const HALF_LEAVES: Duration = Duration::from_millis(20);

/// The answer with its full length announced and half of its body sent. The error at the end of the half makes hyper close
/// the connection. An answer to `HEAD` has no body, and stays as it is.
pub(super) async fn truncated(response: Response<Body>, method: &Method) -> Response<Body> {
    if method == Method::HEAD {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    head.headers.remove(TRANSFER_ENCODING);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    Response::from_parts(head, Body::http_body_unsync(StreamBody::new(cut_after(half))))
}

fn cut_after(half: Bytes) -> impl futures::Stream<Item = Result<Frame<Bytes>, io::Error>> + Send {
    stream::unfold(Some(half), |left| async move {
        match left {
            Some(half) if !half.is_empty() => Some((Ok(Frame::data(half)), Some(Bytes::new()))),
            Some(_) => {
                tokio::time::sleep(HALF_LEAVES).await;
                Some((Err(io::Error::from(io::ErrorKind::UnexpectedEof)), None))
            }
            None => None,
        }
    })
}

/// In place of an answer: the connection is reset.
#[derive(Debug)]
pub(crate) struct Reset;

impl std::fmt::Display for Reset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is reset on demand")
    }
}

impl std::error::Error for Reset {}
