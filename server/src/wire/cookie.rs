//! The session cookie: the options of a session, sealed and kept by the client.
//!
//! Flight's session lives in a cookie by convention. Ours holds the options themselves, so any replica with the same keys
//! serves it and none keeps anything. JDBC and ODBC keep cookies always, ADBC if asked. A client that keeps none is known
//! by not bringing back the one that it was offered, and cannot change its session.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakegate_proto::v1::SealedOptions;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use super::sealed_options::{from_sealed, to_sealed};
use crate::error::Error;
use crate::identity::{Principal, Purpose, Sealer};
use crate::sql::SessionOptions;

/// The name that Arrow suggests.
const NAME: &str = "arrow_flight_session_id";

/// Longest cookie that is looked at, in characters. Ours have a few hundred.
const COOKIE_LIMIT: usize = 4096;

/// The session cookie that a client has brought back.
pub(super) fn find(metadata: &MetadataMap) -> Option<&str> {
    let headers = metadata.get_all("cookie").into_iter().filter_map(|header| header.to_str().ok());
    let mut cookies =
        headers.flat_map(|header| header.split(';')).filter_map(|cookie| cookie.split_once('='));
    let (_, value) = cookies.find(|(name, _)| name.trim() == NAME)?;
    // Some clients put what they bring back into quotes.
    let value = value.trim().trim_matches('"');
    Some(value).filter(|value| !value.is_empty())
}

/// The options of a cookie.
///
/// # Errors
/// Those of [`Sealer::open`]: to go on with the defaults would read another schema or another moment than was asked for.
pub(super) fn open(sealer: &Sealer, principal: &Principal, value: &str) -> Result<SessionOptions, Error> {
    let decoded = if value.len() > COOKIE_LIMIT {
        Vec::new()
    } else {
        URL_SAFE_NO_PAD.decode(value).unwrap_or_default()
    };
    let sealed: SealedOptions = sealer.open(Purpose::Session, Some(principal), &decoded)?;
    from_sealed(Some(sealed))
}

/// The header that gives a client its cookie.
///
/// # Errors
/// Only a defect.
pub(super) fn issue(
    sealer: &Sealer,
    principal: &Principal,
    lifetime: Duration,
    options: &SessionOptions,
) -> Result<MetadataValue<Ascii>, Error> {
    let sealed = sealer.seal(Purpose::Session, Some(principal), lifetime, &to_sealed(options))?;
    header(&URL_SAFE_NO_PAD.encode(sealed), lifetime)
}

/// The header that takes a client's cookie away.
///
/// # Errors
/// Only a defect.
pub(super) fn removal() -> Result<MetadataValue<Ascii>, Error> {
    header("", Duration::ZERO)
}

fn header(value: &str, lifetime: Duration) -> Result<MetadataValue<Ascii>, Error> {
    let text = format!("{NAME}={value}; Max-Age={}; Path=/; HttpOnly", lifetime.as_secs());
    let mut header =
        MetadataValue::try_from(text).map_err(|_| Error::internal("a cookie does not fit into a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot build its input should stop")]

    use std::iter;

    use super::*;
    use crate::error::ErrorKind;
    use crate::identity::Identity;
    use crate::ids::RoleArn;
    use crate::settings::Settings;

    const LIFETIME: Duration = Duration::from_secs(60);

    fn principal(user: &str) -> Principal {
        Principal::for_test(user, RoleArn::parse("arn:aws:iam::123456789012:role/shared").unwrap())
    }

    fn brought(headers: &[&str]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for header in headers {
            metadata.append("cookie", header.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn the_cookie_is_found_among_others_in_every_clients_form() {
        for headers in [
            &["arrow_flight_session_id=abc"][..],
            &["a=b; arrow_flight_session_id=abc; c"],
            &["a=b", "arrow_flight_session_id=\"abc\""],
        ] {
            assert_eq!(find(&brought(headers)), Some("abc"), "{headers:?}");
        }
        for headers in [&[][..], &["a=b"], &["arrow_flight_session_id="], &["xarrow_flight_session_id=abc"]] {
            assert_eq!(find(&brought(headers)), None, "{headers:?}");
        }
    }

    #[test]
    fn a_cookie_brings_its_options_back_to_its_owner_and_to_nobody_else() {
        let identity = Identity::new(&Settings::from_toml("", iter::empty()).unwrap()).unwrap();
        let options = SessionOptions { schema: Some("canary".to_owned()), ..SessionOptions::default() };
        let issued = issue(identity.sealer(), &principal("owner"), LIFETIME, &options).unwrap();
        let text = issued.to_str().unwrap();
        assert!(issued.is_sensitive() && !text.contains("canary"), "{text}");
        let metadata = brought(&[text.split(';').next().unwrap()]);
        let value = find(&metadata).unwrap();
        assert_eq!(open(identity.sealer(), &principal("owner"), value).unwrap(), options);
        for (user, value) in [("other", value), ("owner", "abc"), ("owner", &value[1..]), ("owner", "ü")] {
            let error = open(identity.sealer(), &principal(user), value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{user} {value}");
        }
    }
}
