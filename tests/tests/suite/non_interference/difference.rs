//! What two transcripts do not share, so that a person can see what it is: the request, the call, the message, the field, the
//! bytes, and whether the rows differ or only what carries them.

use arrow::array::RecordBatch;
use bytes::Bytes;

use super::transcript::Transcript;
use crate::delta::rows::Rows;

/// Differing pieces that are shown of one request.
const SHOWN_PARTS: usize = 3;

/// Differing requests that are shown of one test.
const SHOWN_REQUESTS: usize = 6;

/// Bytes that are shown around a difference.
const BEFORE: usize = 16;
const AFTER: usize = 48;

/// The differences that a test found.
#[derive(Default)]
pub(super) struct Findings {
    requests: usize,
    differing: Vec<String>,
}

impl Findings {
    /// Compares both worlds' answers to a request.
    pub(super) fn compare(&mut self, request: &str, answers: &[Transcript; 2]) {
        self.note(request, difference(answers));
    }

    /// Compares the rows of both worlds' answers, whatever their order and whatever carries them. Of two refusals nothing else
    /// is compared: which rows came before is up to the threads.
    pub(super) fn compare_rows(&mut self, request: &str, answers: &[Transcript; 2]) {
        let [first, second] = answers;
        let difference = match (first.refusal(), second.refusal()) {
            (None, None) => row_difference(answers, true),
            (one, other) => (one != other).then(|| format!("{one:?}\n    {other:?}")),
        };
        self.note(request, difference);
    }

    fn note(&mut self, request: &str, difference: Option<String>) {
        self.requests += 1;
        self.differing.extend(difference.map(|difference| format!("{request}\n    {difference}")));
    }

    /// Fails if there are differences, and shows some.
    pub(super) fn assert_none(&self) {
        assert!(self.requests > 0, "nothing was asked");
        let shown: Vec<&str> = self.differing.iter().take(SHOWN_REQUESTS).map(String::as_str).collect();
        let (differing, all) = (self.differing.len(), self.requests);
        assert!(
            self.differing.is_empty(),
            "{differing} of {all} requests tell the lakes apart:\n{}",
            shown.join("\n")
        );
    }
}

/// How two answers differ; `None` if they are the same to the last byte.
pub(super) fn difference(answers: &[Transcript; 2]) -> Option<String> {
    let [first, second] = answers;
    let pairs = first.parts.iter().zip(&second.parts);
    let mut found: Vec<String> = pairs
        .filter(|(one, other)| one != other)
        .take(SHOWN_PARTS)
        .map(|(one, other)| match one.place == other.place {
            true => format!("{}: {}", one.place, content_difference(&one.content, &other.content)),
            false => format!("{} in the first world, {} in the second", one.place, other.place),
        })
        .collect();
    if first.parts.len() != second.parts.len() {
        found.push(format!("{} pieces and {}", first.parts.len(), second.parts.len()));
    }
    if found.is_empty() {
        return None;
    }
    found.push(row_difference(answers, false).unwrap_or_else(|| {
        "the rows are the same: what differs is the framing, or bytes that no row uses".to_owned()
    }));
    Some(found.join("\n    "))
}

/// Both contents around the first byte in which they differ.
fn content_difference(one: &Bytes, other: &Bytes) -> String {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    let at = at.unwrap_or_else(|| one.len().min(other.len()));
    let around = |content: &Bytes| {
        let (start, end) = (at.saturating_sub(BEFORE), content.len().min(at + AFTER));
        content[start.min(end)..end].escape_ascii().to_string()
    };
    let (one_length, other_length) = (one.len(), other.len());
    format!(
        "{one_length} and {other_length} bytes, different from byte {at} on\n      first world:  {}\n      second world: {}",
        around(one),
        around(other)
    )
}

/// How the rows of two answers differ, as a list or as a multiset; `None` if they do not.
fn row_difference([first, second]: &[Transcript; 2], is_multiset: bool) -> Option<String> {
    let (one, other) = match (first.batches(), second.batches()) {
        (Ok(one), Ok(other)) => (one, other),
        _ => return Some("an answer is no Arrow stream".to_owned()),
    };
    let schema = |batches: &[RecordBatch]| batches.first().map(RecordBatch::schema);
    if !one.is_empty() && !other.is_empty() && schema(&one) != schema(&other) {
        return Some("the schemas differ".to_owned());
    }
    let (one, other) = (lines(&one, is_multiset), lines(&other, is_multiset));
    let place = one.iter().zip(&other).position(|(one, other)| one != other);
    let place = place.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))?;
    let row = |lines: &[String]| lines.get(place).map_or_else(|| "no row".to_owned(), |line| shortened(line));
    let (one_count, other_count) = (one.len(), other.len());
    Some(format!(
        "{one_count} and {other_count} rows, different from row {place} on\n      first world:  {}\n      second world: {}",
        row(&one),
        row(&other)
    ))
}

fn lines(batches: &[RecordBatch], is_sorted: bool) -> Vec<String> {
    let rows = Rows::of(batches);
    if is_sorted { rows.texts() } else { rows.cells.iter().map(|row| row.join(" | ")).collect() }
}

/// The beginning of a row, which may hold megabytes.
fn shortened(line: &str) -> String {
    const LONGEST: usize = 200;
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(parts: &[(&str, &'static str)]) -> Transcript {
        let mut transcript = Transcript::default();
        for (place, content) in parts {
            transcript.received(place, *content);
        }
        transcript
    }

    #[test]
    fn one_byte_is_a_difference_and_is_told_with_its_place() {
        let base = [("GetSchema, schema", "columns"), ("DoGet, message 1, data_body", "bodies")];
        assert!(difference(&[answer(&base), answer(&base)]).is_none());
        let changed = [base[0], ("DoGet, message 1, data_body", "bodiez")];
        let told = difference(&[answer(&base), answer(&changed)]).unwrap();
        assert!(
            told.starts_with("DoGet, message 1, data_body: 6 and 6 bytes, different from byte 5 on"),
            "{told}"
        );
    }

    #[test]
    fn a_piece_too_many_is_a_difference() {
        let base = [("DoGet, number of messages", "1")];
        let longer = [base[0], ("DoGet, message 0, data_body", "")];
        let told = difference(&[answer(&base), answer(&longer)]).unwrap();
        assert!(told.contains("1 pieces and 2"), "{told}");
    }

    #[test]
    #[should_panic(expected = "1 of 2 requests tell the lakes apart")]
    fn findings_fail_a_test_with_what_was_found() {
        let mut findings = Findings::default();
        findings.compare("the same", &[answer(&[("a", "1")]), answer(&[("a", "1")])]);
        findings.compare("another", &[answer(&[("a", "1")]), answer(&[("a", "2")])]);
        findings.assert_none();
    }
}
