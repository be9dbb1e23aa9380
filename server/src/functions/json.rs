//! Functions of JSON texts. A text that is not JSON has no parts: they return NULL for it, as Trino's do; `json_parse` refuses it.
//!
//! JSON has no type of its own here: what Trino returns as JSON is its text without white space.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringBuilder};
use datafusion::common::Result;

use super::json_text::{Json, Step, path};
use super::kernel::{Arguments, Kernel, Kind, of_wholes, text, truth, whole};
use super::refused;

const fn of_path(
    name: &'static str,
    returns: fn(&[arrow::datatypes::DataType]) -> arrow::datatypes::DataType,
    call: fn(&Arguments) -> Result<ArrayRef>,
) -> Kernel {
    Kernel { name, arguments: &[Kind::Text, Kind::Text], required: 2, returns, call }
}

const fn of_text(
    name: &'static str,
    returns: fn(&[arrow::datatypes::DataType]) -> arrow::datatypes::DataType,
    call: fn(&Arguments) -> Result<ArrayRef>,
) -> Kernel {
    Kernel { name, arguments: &[Kind::Text], required: 1, returns, call }
}

pub(super) const KERNELS: &[Kernel] = &[
    of_path("json_extract", text, |arguments| extracted(arguments, |json| Some(json.compact()))),
    of_path("json_extract_scalar", text, |arguments| extracted(arguments, |json| json.scalar())),
    of_path("get_json_object", text, |arguments| extracted(arguments, as_object)),
    of_path("json_size", whole, json_size),
    of_text("json_array_length", whole, json_array_length),
    of_text("is_json_scalar", truth, is_json_scalar),
    of_text("json_parse", text, json_parse),
    Kernel {
        name: "json_array_get",
        arguments: &[Kind::Text, Kind::Whole],
        required: 2,
        returns: text,
        call: json_array_get,
    },
];

/// As Spark has it: a string without quotes, everything else as JSON.
fn as_object(json: Json<'_>) -> Option<String> {
    if json.is_nested() { Some(json.compact()) } else { json.scalar() }
}

/// The last path, read: rows mostly share it.
#[derive(Default)]
struct Paths(Option<(String, Vec<Step>)>);

impl Paths {
    fn get(&mut self, text: &str) -> Result<&[Step]> {
        let read = match self.0.take().filter(|(known, _)| known == text) {
            Some(read) => read,
            None => {
                let steps = path(text).ok_or_else(|| {
                    refused("a JSON path has the form $.name[0][\"name\"], at most 100 steps; there are no others")
                })?;
                (text.to_owned(), steps)
            }
        };
        Ok(&self.0.insert(read).1)
    }
}

fn extracted(arguments: &Arguments, shown: fn(Json<'_>) -> Option<String>) -> Result<ArrayRef> {
    let (texts, paths) = (arguments.texts(0), arguments.texts(1));
    let (mut known, mut found) = (Paths::default(), StringBuilder::new());
    for row in 0..arguments.rows {
        let value = match (texts.get(row), paths.get(row)) {
            (Some(text), Some(path)) => {
                let steps = known.get(path)?;
                Json::of(text).and_then(|json| json.at(steps)).and_then(shown)
            }
            _ => None,
        };
        found.append_option(value);
    }
    Ok(Arc::new(found.finish()))
}

fn number(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

fn json_size(arguments: &Arguments) -> Result<ArrayRef> {
    let (texts, paths) = (arguments.texts(0), arguments.texts(1));
    let mut known = Paths::default();
    of_wholes(arguments.rows, |row| {
        let (Some(text), Some(path)) = (texts.get(row), paths.get(row)) else { return Ok(None) };
        let steps = known.get(path)?;
        let value = Json::of(text).and_then(|json| json.at(steps));
        Ok(value.and_then(|json| match json.is_array() {
            true => number(json.items().count()),
            false => number(json.fields().count()),
        }))
    })
}

fn json_array_length(arguments: &Arguments) -> Result<ArrayRef> {
    let texts = arguments.texts(0);
    of_wholes(arguments.rows, |row| {
        let array = texts.get(row).and_then(Json::of).filter(|json| json.is_array());
        Ok(array.and_then(|json| number(json.items().count())))
    })
}

fn json_array_get(arguments: &Arguments) -> Result<ArrayRef> {
    let (texts, places) = (arguments.texts(0), arguments.wholes(1));
    let mut found = StringBuilder::new();
    for row in 0..arguments.rows {
        let array = texts.get(row).and_then(Json::of).filter(|json| json.is_array());
        let item = array.zip(places.get(row)).and_then(|(array, place)| {
            // A negative place is counted from the end.
            let place = match usize::try_from(place) {
                Ok(place) => place,
                Err(_) => array.items().count().checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?,
            };
            array.items().nth(place)
        });
        found.append_option(item.map(Json::compact));
    }
    Ok(Arc::new(found.finish()))
}

fn is_json_scalar(arguments: &Arguments) -> Result<ArrayRef> {
    let texts = arguments.texts(0);
    let is_scalar = |row: usize| match texts.get(row) {
        None => Ok(None),
        Some(text) => match Json::of(text) {
            Some(json) => Ok(Some(!json.is_nested())),
            None => Err(refused("a text is no JSON")),
        },
    };
    Ok(Arc::new((0..arguments.rows).map(is_scalar).collect::<Result<BooleanArray>>()?))
}

fn json_parse(arguments: &Arguments) -> Result<ArrayRef> {
    let texts = arguments.texts(0);
    let mut parsed = StringBuilder::new();
    for row in 0..arguments.rows {
        match texts.get(row) {
            None => parsed.append_null(),
            Some(text) => match Json::of(text) {
                Some(json) => parsed.append_value(json.compact()),
                None => return Err(refused("a text is no JSON")),
            },
        }
    }
    Ok(Arc::new(parsed.finish()))
}
