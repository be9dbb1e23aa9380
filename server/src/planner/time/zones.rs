//! A timestamp without a zone, cast from one with a zone: what the clock of the zone shows.
//!
//! The engine's fault: it shows the clock of UTC there, while the date and the text of the same timestamp are those of the zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::clock::Clock;
use super::truncation::too_early;

/// What the clock of a timestamp's zone shows.
pub(super) fn shown(expr: Expr, zone: &Arc<str>) -> Expr {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(zone)));
    let moment = Expr::Cast(Cast::new(Box::new(expr), micros));
    ScalarUDF::from(Shown { signature: Signature::any(1, Volatility::Immutable) }).call(vec![moment])
}

/// Whether a zone has another clock than timestamps without one.
pub(super) fn is_foreign(zone: &str) -> bool {
    !matches!(zone, "UTC" | "+00:00" | "Z")
}

/// See the file's head.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Shown {
    signature: Signature,
}

impl ScalarUDFImpl for Shown {
    fn name(&self) -> &'static str {
        "time_shown"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(of_array(values)?)),
            [ColumnarValue::Scalar(value)] => {
                let shown = of_array(&value.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&shown, 0)?))
            }
            _ => internal_err!("one timestamp"),
        }
    }
}

fn of_array(values: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Timestamp(TimeUnit::Microsecond, zone) = values.data_type() else {
        return internal_err!("a timestamp of microseconds, not {}", values.data_type());
    };
    let clock = Clock::of(zone.as_deref())?;
    let values = values.as_primitive::<TimestampMicrosecondType>();
    let shown = values
        .try_unary::<_, TimestampMicrosecondType, _>(|moment| clock.shown(moment).ok_or_else(too_early))?;
    Ok(Arc::new(shown.with_timezone_opt(None::<Arc<str>>)))
}
