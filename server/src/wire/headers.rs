//! Session options from headers: the portable way to give them.
//!
//! Every driver can send headers: JDBC passes on the URL's unknown parameters, ADBC has
//! `adbc.flight.sql.rpc.call_header.…`. They come with every call of a connection, so a malformed one fails only calls that
//! plan a statement; what was sealed has its own options.

use tonic::metadata::MetadataMap;

use crate::error::{Error, ErrorKind};
use crate::sql::{SessionOption, SessionOptions};

/// Header names and what they give.
const HEADERS: [(&str, SessionOption); 8] = [
    ("catalog", SessionOption::Catalog),
    ("schema", SessionOption::Schema),
    ("x-lakegate-as-of", SessionOption::AsOf),
    ("x-lakegate-timestamp-as-of", SessionOption::AsOf),
    ("x-lakegate-statement-timeout", SessionOption::StatementTimeout),
    ("x-lakegate-compression", SessionOption::Compression),
    ("x-lakegate-endpoints", SessionOption::Endpoints),
    ("x-lakegate-view-types", SessionOption::ViewTypes),
];

/// The header that gives an option.
pub(super) fn header_of(option: SessionOption) -> &'static str {
    HEADERS.iter().find(|(_, given)| *given == option).map_or("", |(header, _)| *header)
}

/// The options that a call's headers give.
#[derive(Clone, Default)]
pub(super) struct HeaderOptions {
    options: SessionOptions,
    given: Vec<SessionOption>,
}

impl HeaderOptions {
    /// Reads the headers of a call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if one is malformed, or if two disagree: to guess would answer another question.
    pub(super) fn read(metadata: &MetadataMap) -> Result<Self, Error> {
        let mut read = Self::default();
        for (header, option) in HEADERS {
            for value in metadata.get_all(header) {
                let text = value.to_str().map_err(|_| {
                    Error::new(ErrorKind::InvalidRequest, "a header is not readable as text").echoing(header)
                })?;
                let before = read.options.get(option);
                read.options.set(option, Some(text))?;
                if read.gives(option) && before != read.options.get(option) {
                    let public = "a header is given twice with different values";
                    return Err(Error::new(ErrorKind::InvalidRequest, public).echoing(header));
                }
                read.given.push(option);
            }
        }
        Ok(read)
    }

    /// Whether the headers give an option.
    pub(super) fn gives(&self, option: SessionOption) -> bool {
        self.given.contains(&option)
    }

    /// The options of a session with those that the headers give in their place.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn over(&self, mut session: SessionOptions) -> Result<SessionOptions, Error> {
        for option in &self.given {
            session.set(*option, self.options.get(*option).as_deref())?;
        }
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use super::*;
    use crate::sql::Moment;

    fn read(headers: &[(&'static str, &str)]) -> Result<SessionOptions, Error> {
        let mut metadata = MetadataMap::new();
        for (name, value) in headers {
            metadata.append(*name, value.parse().unwrap());
        }
        let session = SessionOptions { schema: Some("of_session".to_owned()), ..SessionOptions::default() };
        HeaderOptions::read(&metadata)?.over(session)
    }

    #[test]
    fn headers_win_and_the_session_stays_where_they_say_nothing() {
        assert_eq!(read(&[]).unwrap().schema.as_deref(), Some("of_session"));
        let options = read(&[("schema", "sales"), ("x-lakegate-compression", "lz4")]).unwrap();
        assert_eq!(options.schema.as_deref(), Some("sales"));
        assert_eq!(options.get(SessionOption::Compression).as_deref(), Some("lz4"));
        assert_eq!(read(&[("schema", "")]).unwrap().schema, None);
    }

    #[test]
    fn a_moment_is_given_by_either_name() {
        const NAME: &str = "x-lakegate-timestamp-as-of";
        for headers in [
            &[(NAME, "1970-01-02")][..],
            &[("x-lakegate-as-of", " 1970-01-02 00:00:00Z ")],
            &[(NAME, "1970-01-02"), (NAME, "1970-01-02T00:00:00"), ("x-lakegate-as-of", "1970-01-02")],
        ] {
            let moment = read(headers).unwrap().as_of;
            assert_eq!(moment, Some(Moment::Timestamp(86_400_000_000)), "{headers:?}");
        }
    }

    #[test]
    fn headers_that_say_nothing_clear_are_refused() {
        const NAME: &str = "x-lakegate-timestamp-as-of";
        for headers in [
            &[(NAME, "")][..],
            &[(NAME, "yesterday")],
            &[(NAME, "'1970-01-02'")],
            &[(NAME, "1970-01-02"), (NAME, "1970-01-03")],
            &[(NAME, "1970-01-02"), ("x-lakegate-as-of", "1970-01-03")],
            &[("catalog", "other")],
            &[("schema", "a"), ("schema", "b")],
            &[("x-lakegate-statement-timeout", "soon")],
        ] {
            assert_eq!(read(headers).unwrap_err().kind(), ErrorKind::InvalidRequest, "{headers:?}");
        }
    }
}
