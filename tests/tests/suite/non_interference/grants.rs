//! What Lake Formation is told of the tables: all of them to `analyst`, a part to `support`.

use super::tables::Sight;
use crate::delta::grants::{Columns, Rows, Shown};

/// From whom something is hidden.
pub(super) const RESTRICTED: &str = "support";

/// From whom nothing is.
pub(super) const UNRESTRICTED: &str = "analyst";

/// What [`RESTRICTED`] is granted of a table; nothing, if there is nothing to see.
pub(super) fn granted(sight: &Sight) -> Vec<Shown> {
    let only = |columns: &[&str]| Columns::Only(columns.iter().map(|name| (*name).to_owned()).collect());
    let filtered =
        |filter: &str, columns| Shown { rows: Rows::Where(filter.to_owned()), columns: only(columns) };
    match sight {
        Sight::Nothing => Vec::new(),
        Sight::Everything => vec![Shown::ALL],
        Sight::Columns(columns) => vec![Shown { rows: Rows::All, columns: only(columns) }],
        Sight::Rows { filter, columns } => vec![filtered(filter, columns)],
        Sight::Parts(parts) => parts.iter().map(|part| filtered(part.filter, part.columns)).collect(),
    }
}
