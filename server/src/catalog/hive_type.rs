//! Hive type texts, as Glue stores them, to Arrow types.
//!
//! ```text
//! type := name [ "(" digits [ "," digits ] ")" ] | "array<" type ">" | "map<" type "," type ">"
//!       | "struct<" name ":" type { "," name ":" type } ">"
//! ```
//! The text comes from whoever may write the table's catalog entry, so nesting is limited.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// What a column is shown as when its type text is not understood: browsing must not fail for one odd column.
pub(crate) const OPAQUE: DataType = DataType::Utf8;

/// Deepest nesting that is read.
const DEPTH_LIMIT: usize = 32;

/// Reads a type text such as `decimal(12,2)` or `struct<a:int,b:array<string>>`.
///
/// # Errors
/// `None` for anything outside the grammar.
pub(crate) fn parse(text: &str) -> Option<DataType> {
    let compact: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    let mut reader = Reader { rest: &compact };
    let data_type = reader.data_type(0)?;
    reader.rest.is_empty().then_some(data_type)
}

struct Reader<'text> {
    rest: &'text str,
}

impl<'text> Reader<'text> {
    fn data_type(&mut self, depth: usize) -> Option<DataType> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        let name = self.name(|character| character.is_ascii_alphanumeric() || character == '_')?;
        match name.to_ascii_lowercase().as_str() {
            "array" => {
                self.expect('<')?;
                let item = self.data_type(depth + 1)?;
                self.expect('>')?;
                Some(DataType::List(Arc::new(Field::new("element", item, true))))
            }
            "map" => self.map(depth),
            "struct" => self.structure(depth),
            "decimal" => self.decimal(),
            "char" | "varchar" => {
                self.arguments()?;
                Some(DataType::Utf8)
            }
            simple => primitive(simple),
        }
    }

    fn map(&mut self, depth: usize) -> Option<DataType> {
        self.expect('<')?;
        let key = self.data_type(depth + 1)?;
        self.expect(',')?;
        let value = self.data_type(depth + 1)?;
        self.expect('>')?;
        let entries = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
        Some(DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false))
    }

    fn structure(&mut self, depth: usize) -> Option<DataType> {
        self.expect('<')?;
        let mut fields = Vec::new();
        loop {
            let name = self.name(|character| !matches!(character, ':' | '<' | '>' | ','))?;
            self.expect(':')?;
            fields.push(Field::new(name.to_ascii_lowercase(), self.data_type(depth + 1)?, true));
            if self.expect(',').is_none() {
                break;
            }
        }
        self.expect('>')?;
        Some(DataType::Struct(fields.into()))
    }

    fn decimal(&mut self) -> Option<DataType> {
        let (precision, scale) = match self.arguments()?.as_slice() {
            [] => (10, 0),
            [precision] => (*precision, 0),
            [precision, scale] => (*precision, *scale),
            _ => return None,
        };
        let is_valid = (1..=38).contains(&precision) && scale <= precision;
        is_valid.then_some(DataType::Decimal128(precision, i8::try_from(scale).ok()?))
    }

    /// Numbers in parentheses; none if there are no parentheses.
    fn arguments(&mut self) -> Option<Vec<u8>> {
        if self.expect('(').is_none() {
            return Some(Vec::new());
        }
        let (inside, after) = self.rest.split_once(')')?;
        self.rest = after;
        // varchar lengths exceed a byte; only decimals use the values, and theirs fit.
        inside
            .split(',')
            .map(|number| number.parse::<u32>().ok().map(|value| u8::try_from(value).unwrap_or(u8::MAX)))
            .collect()
    }

    fn name(&mut self, belongs: impl Fn(char) -> bool) -> Option<&'text str> {
        let end = self.rest.find(|character| !belongs(character)).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(end);
        self.rest = after;
        (!name.is_empty()).then_some(name)
    }

    fn expect(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }
}

fn primitive(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Boolean,
        "tinyint" | "byte" => DataType::Int8,
        "smallint" | "short" => DataType::Int16,
        "int" | "integer" => DataType::Int32,
        "bigint" | "long" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
