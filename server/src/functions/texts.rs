//! `split`, in which an empty text is a part, unlike in the engine's `string_to_array`.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::common::Result;

use super::kernel::{Arguments, Kernel, Kind, texts};
use super::refused;

pub(super) const KERNELS: &[Kernel] = &[Kernel {
    name: "split",
    arguments: &[Kind::Text, Kind::Text, Kind::Whole],
    required: 2,
    returns: texts,
    call: split,
}];

fn split(arguments: &Arguments) -> Result<ArrayRef> {
    let (values, separators) = (arguments.texts(0), arguments.texts(1));
    let limits = arguments.has(2).then(|| arguments.wholes(2));
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..arguments.rows {
        let limit = limits.as_ref().map_or(Some(i64::MAX), |limits| limits.get(row));
        let (Some(value), Some(separator), Some(limit)) = (values.get(row), separators.get(row), limit)
        else {
            lists.append_null();
            continue;
        };
        let limit = usize::try_from(limit).unwrap_or_default();
        if separator.is_empty() || limit == 0 {
            return Err(refused(
                "split takes a separator that is not empty, and a limit that is greater than 0",
            ));
        }
        for part in value.splitn(limit, separator) {
            lists.values().append_value(part);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}
