//! Session options as they are sealed into tickets, handles and cookies, so that what runs is what was announced, whatever
//! headers come with the call that runs it.

use std::time::Duration;

use lakegate_proto::v1::{SealedMoment, SealedOptions, sealed_moment, sealed_options};

use crate::error::{Error, ErrorKind};
use crate::sql::{Compression, Moment, SessionOptions};

/// The message for these options.
pub(super) fn to_sealed(options: &SessionOptions) -> SealedOptions {
    let timeout = options.statement_timeout.map_or(0, |timeout| timeout.as_millis());
    let compression = match options.compression {
        None => sealed_options::Compression::None,
        Some(Compression::Lz4) => sealed_options::Compression::Lz4,
        Some(Compression::Zstd) => sealed_options::Compression::Zstd,
    };
    SealedOptions {
        schema: options.schema.clone().unwrap_or_default(),
        as_of: options.as_of.map(sealed_moment),
        statement_timeout_ms: u64::try_from(timeout).unwrap_or(u64::MAX),
        compression: compression.into(),
        endpoints: options.endpoints.unwrap_or_default(),
        view_types: options.view_types,
    }
}

/// The options of a message.
///
/// # Errors
/// [`ErrorKind::Expired`] if a newer server sealed it with a kind of moment that this one does not know: without it a
/// statement would read other rows.
pub(super) fn from_sealed(sealed: Option<SealedOptions>) -> Result<SessionOptions, Error> {
    let sealed = sealed.unwrap_or_default();
    let compression = match sealed.compression() {
        sealed_options::Compression::None => None,
        sealed_options::Compression::Lz4 => Some(Compression::Lz4),
        sealed_options::Compression::Zstd => Some(Compression::Zstd),
    };
    let timeout = Some(sealed.statement_timeout_ms).filter(|milliseconds| *milliseconds > 0);
    Ok(SessionOptions {
        as_of: sealed.as_of.map(moment).transpose()?,
        statement_timeout: timeout.map(Duration::from_millis),
        compression,
        endpoints: Some(sealed.endpoints).filter(|endpoints| *endpoints > 0),
        schema: Some(sealed.schema).filter(|schema| !schema.is_empty()),
        view_types: sealed.view_types,
    })
}

fn sealed_moment(moment: Moment) -> SealedMoment {
    let at = match moment {
        Moment::Version(number) => sealed_moment::At::Version(number),
        Moment::Timestamp(micros) => sealed_moment::At::Timestamp(micros),
    };
    SealedMoment { at: Some(at) }
}

fn moment(sealed: SealedMoment) -> Result<Moment, Error> {
    match sealed.at {
        Some(sealed_moment::At::Version(number)) => Ok(Moment::Version(number)),
        Some(sealed_moment::At::Timestamp(micros)) => Ok(Moment::Timestamp(micros)),
        None => Err(Error::new(ErrorKind::Expired, "this server cannot run the statement: send it again")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    #[test]
    fn options_come_back_as_they_were_sealed() {
        for as_of in [None, Some(Moment::Version(u64::MAX)), Some(Moment::Timestamp(-1))] {
            for compression in [None, Some(Compression::Lz4), Some(Compression::Zstd)] {
                let options = SessionOptions {
                    schema: Some("sales".to_owned()),
                    as_of,
                    statement_timeout: Some(Duration::from_millis(1500)),
                    compression,
                    endpoints: Some(3),
                    view_types: true,
                };
                assert_eq!(from_sealed(Some(to_sealed(&options))).unwrap(), options);
            }
        }
        assert_eq!(from_sealed(None).unwrap(), SessionOptions::default());
        let default = SessionOptions::default();
        assert_eq!(from_sealed(Some(to_sealed(&default))).unwrap(), default);
    }

    #[test]
    fn a_moment_of_an_unknown_kind_is_refused_not_ignored() {
        let of_newer_server =
            SealedOptions { as_of: Some(SealedMoment { at: None }), ..SealedOptions::default() };
        assert_eq!(from_sealed(Some(of_newer_server)).unwrap_err().kind(), ErrorKind::Expired);
    }
}
