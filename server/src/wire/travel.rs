//! Time travel for clients that cannot write it: a header with the moment for tables whose clause the SQL leaves out.
//!
//! Business intelligence tools make their own SQL but let a connection have headers: JDBC sends the URL's unknown
//! parameters so, ADBC the options `adbc.flight.sql.rpc.call_header.…`. A header goes with every call of a connection, so
//! calls that plan nothing ignore its moment.

use tonic::metadata::MetadataMap;

use crate::error::{Error, ErrorKind};
use crate::sql::Moment;

const HEADER: &str = "x-lakegate-timestamp-as-of";

/// The moment that a call's headers ask for.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] if the header is no timestamp, or there are two that differ: reading the tables as they
/// are now would answer another question.
pub(super) fn moment(metadata: &MetadataMap) -> Result<Option<Moment>, Error> {
    let mut moment = None;
    for value in metadata.get_all(HEADER) {
        let text = value.to_str().map_err(|_| {
            Error::new(ErrorKind::InvalidRequest, "a header is not readable as text").echoing(HEADER)
        })?;
        let this = Moment::at(text.trim())?;
        if moment.is_some_and(|other| other != this) {
            let public = "a header is given twice with different values";
            return Err(Error::new(ErrorKind::InvalidRequest, public).echoing(HEADER));
        }
        moment = Some(this);
    }
    Ok(moment)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;

    fn headers(values: &[&str]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append(HEADER, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn the_header_gives_the_moment_and_without_it_there_is_none() {
        assert_eq!(moment(&headers(&[])).unwrap(), None);
        for values in
            [&["1970-01-02"][..], &[" 1970-01-02 00:00:00Z "], &["1970-01-02", "1970-01-02T00:00:00"]]
        {
            assert_eq!(
                moment(&headers(values)).unwrap(),
                Some(Moment::Timestamp(86_400_000_000)),
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_header_that_says_nothing_clear_is_refused() {
        for values in [&[""][..], &["yesterday"], &["'1970-01-02'"], &["1970-01-02", "1970-01-03"]] {
            assert_eq!(moment(&headers(values)).unwrap_err().kind(), ErrorKind::InvalidRequest, "{values:?}");
        }
    }
}
