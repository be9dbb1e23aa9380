//! Parts of URLs, by the syntax of RFC 3986. A text that is no URL has no parts.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, of_wholes, text, whole};
use super::refused;

const fn of_url(name: &'static str, call: fn(&Arguments) -> Result<ArrayRef>) -> Kernel {
    Kernel { name, arguments: &[Kind::Text], required: 1, returns: text, call }
}

pub(super) const KERNELS: &[Kernel] = &[
    of_url("url_extract_protocol", |urls| part(urls, |url| url.scheme)),
    of_url("url_extract_host", |urls| part(urls, |url| Some(url.host).filter(|host| !host.is_empty()))),
    of_url("url_extract_path", |urls| part(urls, |url| Some(url.path))),
    of_url("url_extract_query", |urls| part(urls, |url| url.query)),
    of_url("url_extract_fragment", |urls| part(urls, |url| url.fragment)),
    of_url("url_encode", |texts| each(texts, |text| Ok(Some(encoded(text))))),
    of_url("url_decode", |texts| each(texts, |text| decoded(text).map(Some))),
    Kernel {
        name: "url_extract_port",
        arguments: &[Kind::Text],
        required: 1,
        returns: whole,
        call: url_extract_port,
    },
    Kernel {
        name: "url_extract_parameter",
        arguments: &[Kind::Text, Kind::Text],
        required: 2,
        returns: text,
        call: url_extract_parameter,
    },
];

struct Url<'a> {
    scheme: Option<&'a str>,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let is_forbidden = |letter: char| {
            letter.is_ascii_control() || letter.is_whitespace() || "\"<>\\^`{|}".contains(letter)
        };
        if text.contains(is_forbidden) || !has_whole_escapes(text) {
            return None;
        }
        let (rest, fragment) = divided(text, '#');
        let (rest, query) = divided(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, behind)) if is_scheme(scheme) => (Some(scheme), behind),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        // A colon within brackets is one of an address.
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (place, None),
        };
        Some(Self { scheme, host, port, path, query, fragment })
    }
}

fn divided(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// Whether two hexadecimal digits stand behind each `%`.
fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|behind| escaped_byte(behind.as_bytes()).is_some())
}

fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*digits.get(place)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn each(arguments: &Arguments, mut value: impl FnMut(&str) -> Result<Option<String>>) -> Result<ArrayRef> {
    let texts = arguments.texts(0);
    let mut values = StringBuilder::new();
    for row in 0..arguments.rows {
        let value = texts.get(row).map(&mut value).transpose()?;
        values.append_option(value.flatten());
    }
    Ok(Arc::new(values.finish()))
}

fn part(arguments: &Arguments, part: for<'a> fn(Url<'a>) -> Option<&'a str>) -> Result<ArrayRef> {
    each(arguments, |text| Ok(Url::of(text).and_then(part).map(str::to_owned)))
}

fn url_extract_port(arguments: &Arguments) -> Result<ArrayRef> {
    let texts = arguments.texts(0);
    of_wholes(arguments.rows, |row| {
        Ok(texts.get(row).and_then(Url::of).and_then(|url| url.port?.parse().ok()))
    })
}

fn url_extract_parameter(arguments: &Arguments) -> Result<ArrayRef> {
    let names = arguments.texts(1);
    let texts = arguments.texts(0);
    let mut values = StringBuilder::new();
    for row in 0..arguments.rows {
        let query = texts.get(row).and_then(Url::of).and_then(|url| url.query);
        let value = query.zip(names.get(row)).and_then(|(query, name)| {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let named = |part: &str| decoded(part).is_ok_and(|part| part == name);
            pairs.into_iter().find(|(key, _)| named(key)).and_then(|(_, value)| decoded(value).ok())
        });
        values.append_option(value);
    }
    Ok(Arc::new(values.finish()))
}

/// As a form's field is written in a URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte) => encoded.push(char::from(byte)),
            byte => {
                encoded.push('%');
                encoded.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    encoded
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let byte = escaped_byte(behind);
                bytes.push(
                    byte.ok_or_else(|| refused("an encoded URL has two hexadecimal digits behind each %"))?,
                );
                rest = behind.get(2..).unwrap_or_default();
            }
            other => bytes.push(*other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
