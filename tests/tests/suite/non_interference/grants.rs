//! What Lake Formation is told of the tables: all of them to `analyst`, a part to `support`.

use super::tables::Sight;
use crate::delta::grants::{Columns, Rows, Shown};

/// From whom something is hidden.
pub(super) const RESTRICTED: &str = "support";

/// From whom nothing is.
pub(super) const UNRESTRICTED: &str = "analyst";

/// What [`RESTRICTED`] is granted of a table; nothing, if there is nothing to see.
pub(super) fn granted(sight: &Sight) -> Option<Shown> {
    let only = |columns: &[&str]| Columns::Only(columns.iter().map(|name| (*name).to_owned()).collect());
    Some(match sight {
        Sight::Nothing => return None,
        Sight::Everything => Shown::ALL,
        Sight::Columns(columns) => Shown { rows: Rows::All, columns: only(columns) },
        Sight::Rows { filter, columns } => {
            Shown { rows: Rows::Where((*filter).to_owned()), columns: only(columns) }
        }
    })
}
