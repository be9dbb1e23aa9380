//! `extract` and `date_part`, of long units as well, and of dates that have no year.
//!
//! The engine's faults: it knows no decade, century and millennium; it gives NULL for a date that its calendar does not reach, in a
//! column that has no NULL; and for an unknown part it has no words.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::kernels::cast_utils::IntervalUnit;
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use crate::error::{Error, ErrorKind};

const UNKNOWN: &str = "extract and date_part take a constant part: millennium, century, decade, year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond, isoyear, isodow, dow, doy or epoch";
const OUT_OF_RANGE: &str =
    "a date or a timestamp is out of range: before or behind all years that have a number";

/// Parts that are no units.
const OTHERS: [&str; 7] = ["isoyear", "qtr", "quarter", "doy", "dow", "isodow", "epoch"];

/// The function in the engine's place.
pub(super) fn exact(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match function.inner().is::<Parts>() {
        true => function,
        false => Arc::new(ScalarUDF::from(Parts(function))),
    }
}

/// A unit of several years.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Years {
    Decade,
    Century,
    Millennium,
}

impl Years {
    fn named(name: &str) -> Option<Self> {
        match name {
            "dec" | "decs" | "decade" | "decades" => Some(Self::Decade),
            "c" | "cent" | "cents" | "century" | "centuries" => Some(Self::Century),
            "millenium" | "millennium" | "millenniums" | "millennia" => Some(Self::Millennium),
            _ => None,
        }
    }

    /// In which of them a year is; the year before 1 is 0. The first century begins with the year 1, the decade 0 with 0.
    fn of_year(self, year: i32) -> i32 {
        let counted = |length: i32| match year {
            1.. => (year - 1) / length + 1,
            _ => year / length - 1,
        };
        match self {
            Self::Decade => year.div_euclid(10),
            Self::Century => counted(100),
            Self::Millennium => counted(1_000),
        }
    }

    /// How many of them so many years are.
    fn of_span(self, years: i32) -> i32 {
        match self {
            Self::Decade => years / 10,
            Self::Century => years / 100,
            Self::Millennium => years / 1_000,
        }
    }
}

/// The name of a part as it was written, without its quotes.
fn name_of(part: Option<&ScalarValue>) -> Option<String> {
    let name = part?.try_as_str().flatten()?;
    Some(name.trim_matches(['\'', '"']).to_ascii_lowercase())
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Parts(Arc<ScalarUDF>);

impl ScalarUDFImpl for Parts {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type follows from the part")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let ([part, _], [_, value]) = (args.scalar_arguments, args.arg_fields) else {
            return internal_err!("a part and a moment");
        };
        let name = name_of(*part).ok_or_else(|| refused(UNKNOWN))?;
        if Years::named(&name).is_some() {
            return Ok(Arc::new(Field::new(self.name(), DataType::Int32, value.is_nullable())));
        }
        if IntervalUnit::from_str(&name).is_err() && !OTHERS.contains(&name.as_str()) {
            return Err(refused(UNKNOWN));
        }
        self.0.return_field_from_args(args)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [part, value] = args.args.as_mut_slice() else { return internal_err!("a part and a moment") };
        let ColumnarValue::Scalar(name) = &*part else { return Err(refused(UNKNOWN)) };
        let years = name_of(Some(name)).and_then(|name| Years::named(&name));
        if years.is_some() {
            *part = ColumnarValue::Scalar(ScalarValue::from("year"));
        }
        let nulls = nulls_of(value);
        let is_span = matches!(value.data_type(), DataType::Interval(_));
        let parts = self.0.inner().invoke_with_args(args)?;
        if nulls_of(&parts) > nulls {
            return Err(refused(OUT_OF_RANGE));
        }
        let Some(years) = years else { return Ok(parts) };
        let counted = |year: i32| if is_span { years.of_span(year) } else { years.of_year(year) };
        Ok(match parts {
            ColumnarValue::Array(parts) => {
                let counted = parts.as_primitive::<Int32Type>().unary::<_, Int32Type>(counted);
                ColumnarValue::Array(Arc::new(counted))
            }
            ColumnarValue::Scalar(ScalarValue::Int32(year)) => {
                ColumnarValue::Scalar(ScalarValue::Int32(year.map(counted)))
            }
            ColumnarValue::Scalar(_) => return internal_err!("a year"),
        })
    }

    fn preimage(&self, args: &[Expr], value: &Expr, context: &SimplifyContext) -> Result<PreimageResult> {
        self.0.preimage(args, value, context)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }
}

fn nulls_of(values: &ColumnarValue) -> usize {
    match values {
        ColumnarValue::Array(values) => values.null_count(),
        ColumnarValue::Scalar(value) => usize::from(value.is_null()),
    }
}

fn refused(text: &'static str) -> DataFusionError {
    Error::new(ErrorKind::InvalidRequest, text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centuries_begin_with_the_year_one() {
        for (year, decade, century, millennium) in [
            (2001, 200, 21, 3),
            (2000, 200, 20, 2),
            (1, 0, 1, 1),
            (0, 0, -1, -1),
            (-1, -1, -1, -1),
            (-99, -10, -1, -1),
            (-100, -10, -2, -1),
        ] {
            assert_eq!(Years::Decade.of_year(year), decade, "{year}");
            assert_eq!(Years::Century.of_year(year), century, "{year}");
            assert_eq!(Years::Millennium.of_year(year), millennium, "{year}");
        }
    }
}
