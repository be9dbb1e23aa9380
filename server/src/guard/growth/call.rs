//! [`AccountedFunction`]: a call that is charged for, see [`growth`](super).

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, FieldRef};
use bytes::Bytes;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, StructFieldMapping,
};

use super::{FunctionAccount, estimate, work};
use crate::guard::function_table::{Output, Work};
use crate::guard::row_size::array_bytes;

/// How much larger than its arguments a constant may be made while a query is optimised, in bytes.
const FOLDED_BYTES: usize = 64;

/// Steps that making a constant may take while a query is optimised.
const FOLDED_STEPS: usize = 1 << 20;

/// See [`growth`](super).
#[derive(Debug)]
pub(super) struct AccountedFunction {
    pub(super) inner: Arc<ScalarUDF>,
    pub(super) output: Output,
    pub(super) work: Work,
    pub(super) account: Arc<FunctionAccount>,
}

impl AccountedFunction {
    pub(super) fn call(
        inner: Arc<ScalarUDF>,
        output: Output,
        work: Work,
        account: &Arc<FunctionAccount>,
        args: Vec<Expr>,
    ) -> Expr {
        let function = Self { inner, output, work, account: Arc::clone(account) };
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), args))
    }

    /// Calls the function while a query is optimised.
    fn fold(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.work != Work::Linear && work::steps(self.work, &args.args, args.number_rows)? > FOLDED_STEPS {
            return plan_err!("a constant that is left for the run");
        }
        let given: usize = args.args.iter().map(|argument| estimate::bytes(argument, 1)).sum();
        if estimate::most(self.output, &args.args, 1) > 2 * given + FOLDED_BYTES {
            return plan_err!("a constant that is left for the run");
        }
        self.inner.invoke_with_args(args)
    }
}

impl PartialEq for AccountedFunction {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && Arc::ptr_eq(&self.account, &other.account)
    }
}

impl Eq for AccountedFunction {}

impl Hash for AccountedFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for AccountedFunction {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }

    fn struct_field_mapping(&self, literals: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.inner.struct_field_mapping(literals)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if !self.account.is_running() {
            return self.fold(args);
        }
        let rows = args.number_rows;
        let steps = work::steps(self.work, &args.args, rows)?;
        let kept = work::kept_bytes(self.work, &args.args, rows);
        let largest = estimate::of_call(self.output, &args).saturating_add(kept);
        let is_free = self.account.is_free(largest);
        if is_free && self.work == Work::Linear {
            return self.inner.invoke_with_args(args);
        }
        let reservation = if is_free { None } else { Some(self.account.reserve(largest)?) };
        let result = work::in_pieces(&self.inner, (self.work, steps), args, &self.account)?;
        let Some(reservation) = reservation else { return Ok(result) };
        // A constant result is repeated here, where it is charged, and not where nobody looks.
        let result = result.into_array(rows)?;
        reservation.try_resize(made_bytes(self.output, &result))?;
        held(&result, reservation).map(ColumnarValue::Array)
    }
}

/// Bytes that a result takes besides what it shares with its arguments.
pub(super) fn made_bytes(output: Output, result: &ArrayRef) -> usize {
    match (output, result.data_type()) {
        (Output::Slice, DataType::Utf8View | DataType::BinaryView) => size_of::<u128>() * result.len(),
        (Output::Field, _) => 0,
        _ => array_bytes(result.as_ref()),
    }
}

/// The same array, that gives its memory back when its largest buffer is gone.
fn held(array: &ArrayRef, reservation: MemoryReservation) -> Result<ArrayRef> {
    let data = array.to_data();
    let mut buffers = data.buffers().to_vec();
    let Some(largest) = buffers.iter_mut().max_by_key(|buffer| buffer.len()) else {
        return Ok(ArrayRef::clone(array));
    };
    let charged = Charged { buffer: largest.clone(), _reservation: reservation };
    *largest = Buffer::from(Bytes::from_owner(charged));
    Ok(make_array(data.into_builder().buffers(buffers).build()?))
}

/// A buffer with the memory that is charged for it.
struct Charged {
    buffer: Buffer,
    _reservation: MemoryReservation,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}
