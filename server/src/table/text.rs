//! Text of files that do not say that it is text: bytes, looked at before anybody takes them for text.
//!
//! Old writers (Hive, Impala, early Spark) leave text columns without annotation, and Parquet's reader compares bytes with
//! UTF-8 only where a file says that they are. A text array of other bytes is undefined behaviour in every function that
//! reads it. So such columns are read as bytes (`files/footer.rs`) and become text here, or an error that names the column.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, GenericBinaryArray, OffsetSizeTrait, RecordBatch,
    StringViewBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use crate::error::{Error, ErrorKind};
use crate::settings::InvalidText;

/// What to do about bytes that are not text, and what columns may be called before the user.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TextPolicy {
    /// Whether they become U+FFFD.
    pub(super) replaces: bool,
    /// By the name in files, the table's name of each column that the user may see.
    pub(super) visible: HashMap<String, String>,
}

impl TextPolicy {
    pub(super) fn new(invalid: InvalidText, visible: HashMap<String, String>) -> Self {
        Self { replaces: invalid == InvalidText::Replace, visible }
    }

    fn refusal(&self, column: &str) -> Error {
        let refused = Error::new(
            ErrorKind::DataInvalid,
            "a text column of the table holds bytes that are not UTF-8; its owner must rewrite it as binary or as UTF-8",
        )
        .because(format!("not UTF-8, column {column:?} of a file"));
        match self.visible.get(column) {
            Some(name) => refused.echoing(name),
            None => refused,
        }
    }

    /// Bytes as text.
    ///
    /// # Arguments
    /// * `column` - the name in files of the column that they belong to.
    ///
    /// # Errors
    /// If they are not UTF-8 and are not to be replaced.
    pub(super) fn text(&self, bytes: &ArrayRef, to: &DataType, column: &str) -> Result<ArrayRef> {
        if !is_bytes(bytes.data_type()) || !is_text(to) {
            return exec_err!("{} is not text", bytes.data_type());
        }
        if are_text(bytes) {
            // What a slot of NULL holds was not looked at, so the kernel does.
            return Ok(cast(&without_null_slots(bytes)?, to)?);
        }
        if !self.replaces {
            return Err(self.refusal(column).into());
        }
        Ok(cast(&replaced(bytes)?, to)?)
    }
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

pub(super) fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// The values, without NULLs.
fn values(bytes: &ArrayRef) -> Box<dyn Iterator<Item = Option<&[u8]>> + '_> {
    match bytes.data_type() {
        DataType::Binary => Box::new(bytes.as_binary::<i32>().iter()),
        DataType::LargeBinary => Box::new(bytes.as_binary::<i64>().iter()),
        _ => Box::new(bytes.as_binary_view().iter()),
    }
}

fn are_text(bytes: &ArrayRef) -> bool {
    values(bytes).flatten().all(|value| std::str::from_utf8(value).is_ok())
}

/// The same values with nothing in the slots of NULLs.
fn without_null_slots(bytes: &ArrayRef) -> Result<ArrayRef> {
    if bytes.null_count() == 0 {
        return Ok(Arc::clone(bytes));
    }
    fn copied<O: OffsetSizeTrait>(bytes: &GenericBinaryArray<O>) -> ArrayRef {
        Arc::new(bytes.iter().collect::<GenericBinaryArray<O>>())
    }
    Ok(match bytes.data_type() {
        DataType::Binary => copied(bytes.as_binary::<i32>()),
        DataType::LargeBinary => copied(bytes.as_binary::<i64>()),
        _ => Arc::new(bytes.as_binary_view().iter().collect::<BinaryViewArray>()),
    })
}

/// Text with U+FFFD in the place of what is not. That is up to three times as long.
fn replaced(bytes: &ArrayRef) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::with_capacity(bytes.len());
    for value in values(bytes) {
        match value {
            Some(value) => builder.try_append_value(String::from_utf8_lossy(value))?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// A column of bytes as text.
#[derive(Debug)]
pub(super) struct TextExpr {
    input: Arc<dyn PhysicalExpr>,
    target: DataType,
    /// Its name in files.
    column: String,
    policy: Arc<TextPolicy>,
}

impl TextExpr {
    pub(super) fn new(
        input: Arc<dyn PhysicalExpr>,
        target: DataType,
        column: &str,
        policy: Arc<TextPolicy>,
    ) -> Self {
        Self { input, target, column: column.to_owned(), policy }
    }
}

impl PartialEq for TextExpr {
    fn eq(&self, other: &Self) -> bool {
        self.input.eq(&other.input) && self.target == other.target && self.policy == other.policy
    }
}

impl Eq for TextExpr {}

impl Hash for TextExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.target.hash(state);
    }
}

impl fmt::Display for TextExpr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "text({})", self.input)
    }
}

impl PhysicalExpr for TextExpr {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        match self.input.evaluate(batch)? {
            ColumnarValue::Array(bytes) => {
                Ok(ColumnarValue::Array(self.policy.text(&bytes, &self.target, &self.column)?))
            }
            ColumnarValue::Scalar(scalar) => {
                let text = self.policy.text(&scalar.to_array()?, &self.target, &self.column)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&text, 0)?))
            }
        }
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [input] = children.as_slice() else {
            return exec_err!("a column of text has one input");
        };
        Ok(Arc::new(Self::new(
            Arc::clone(input),
            self.target.clone(),
            &self.column,
            Arc::clone(&self.policy),
        )))
    }

    fn fmt_sql(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.input.fmt_sql(formatter)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use arrow::array::BinaryArray;

    use super::*;

    fn arrays(values: &[Option<&[u8]>]) -> [ArrayRef; 2] {
        [
            Arc::new(values.iter().copied().collect::<BinaryArray>()),
            Arc::new(values.iter().copied().collect::<BinaryViewArray>()),
        ]
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_by_the_name_that_the_user_may_see() {
        let visible = HashMap::from([("col-1".to_owned(), "city".to_owned())]);
        let policy = TextPolicy { replaces: false, visible };
        // Two values that are text only together, and one that is cut.
        for wrong in [&[Some(&b"\xc3"[..]), Some(&b"\xa9"[..])][..], &[None, Some(&b"a\xf0\x9f"[..])]] {
            for bytes in arrays(wrong) {
                for to in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
                    let told = |column| policy.text(&bytes, &to, column).unwrap_err().to_string();
                    assert!(told("col-1").contains("not UTF-8") && told("col-1").contains("city"));
                    assert!(!told("col-2").contains("col-2"));
                }
            }
        }
    }

    #[test]
    fn text_stays_as_it_is_and_other_bytes_are_replaced_if_that_is_wanted() {
        let policy = TextPolicy { replaces: true, visible: HashMap::new() };
        for bytes in arrays(&[Some("größe".as_bytes()), None, Some(b"a\xffb")]) {
            for to in [DataType::Utf8, DataType::Utf8View] {
                let text = policy.text(&bytes, &to, "c").unwrap();
                let text = cast(&text, &DataType::Utf8).unwrap();
                let text: Vec<Option<&str>> = text.as_string::<i32>().iter().collect();
                assert_eq!(text, [Some("größe"), None, Some("a\u{fffd}b")]);
            }
        }
    }
}
