//! Functions that make much of little: their results are charged to the memory of their query before they are made.
//!
//! The engine charges what its operators collect, and not what an expression makes of one batch. `repeat('x', 1000000000)`,
//! thirty times `x || x`, or a `replace` of every letter by a page would take the machine's memory without any account of
//! it, and end the process for everyone. So each call of a function on the list, and the operator `||`, is exchanged
//! for an [`AccountedFunction`], which
//! 1. estimates from its arguments how large its result can be, and takes that from the account of the query, which has a
//!    limit within the server's: if it is too much, the query ends before anything is made;
//! 2. calls the function;
//! 3. ties what the result really takes to the result itself: the account gets it back when the last array that shares
//!    the buffer is gone.
//!
//! Invariants
//! - An estimate is never too small; where nothing is known it is "everything" (`estimate`).
//! - A function keeps its name, its types and its nullability: the plan's columns stay what they were.
//! - While a query is optimised, calls with constant arguments are carried out only if the result is about as small as the
//!   text that asked for it: a constant is later repeated for each row of a batch.
//! - A function that compares each part of one argument with each of the other is not called if that would take too long:
//!   a call cannot be interrupted.
//! - What a function makes of NULLs and errors is the function's own matter.

mod estimate;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, RecordBatch, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use bytes::Bytes;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr as LogicalBinary, ColumnarValue, Documentation, Expr, LogicalPlan, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::physical_plan::ExecutionPlan;

pub(super) use self::estimate::Growth;
use super::orderings;
use super::row_size::array_bytes;
use crate::error::{Error, ErrorKind};

/// Results up to so many bytes are not charged: they are of the size of any other batch.
const SMALL_BYTES: usize = 256 * 1024;

/// How much larger than its arguments a constant may be made while a query is optimised, in bytes.
const FOLDED_BYTES: usize = 64;

/// Steps that making a constant may take while a query is optimised.
const FOLDED_STEPS: usize = 1 << 20;

/// Steps that one call may take: some seconds, in which its thread serves nobody else and cannot be told to stop. All calls
/// of a query together may take some times more, since a thread does not look up between those of one batch either.
const MOST_STEPS_OF_A_CALL: usize = 1 << 31;
const MOST_STEPS: usize = 1 << 35;

/// The account that the functions of one query share.
pub(super) struct FunctionAccount {
    pool: Arc<dyn MemoryPool>,
    is_running: AtomicBool,
    steps: AtomicUsize,
}

impl FunctionAccount {
    /// # Arguments
    /// * `pool` - the memory of the query.
    pub(super) fn new(pool: Arc<dyn MemoryPool>) -> Arc<Self> {
        Arc::new(Self { pool, is_running: AtomicBool::new(false), steps: AtomicUsize::new(0) })
    }

    /// Plans how an optimised plan runs. From here on results are charged: no constant is put into the plan any more.
    ///
    /// # Errors
    /// The planner's.
    pub(super) async fn physical_plan(
        &self,
        state: &SessionState,
        optimized: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.is_running.store(true, Ordering::Relaxed);
        state.query_planner().create_physical_plan(&orderings::with_few(optimized.clone())?, state).await
    }

    /// Counts what a call will take; an error if it is too much.
    fn take_steps(&self, steps: usize) -> Result<()> {
        let before = self.steps.fetch_add(steps.min(MOST_STEPS), Ordering::Relaxed);
        if steps > MOST_STEPS_OF_A_CALL || before > MOST_STEPS {
            let text = "a function would compare texts or lists that are too long";
            return Err(Error::new(ErrorKind::ResourceExhausted, text).into());
        }
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<MemoryReservation> {
        let reservation = MemoryConsumer::new("result of a function").register(&self.pool);
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }
}

impl fmt::Debug for FunctionAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FunctionAccount")
    }
}

/// The same plan, its growing functions charged to an account.
///
/// # Errors
/// If the plan cannot be walked.
pub(super) fn accounted(plan: LogicalPlan, account: &Arc<FunctionAccount>) -> Result<LogicalPlan> {
    let exchange = |expr: Expr| match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => match Growth::of(func.name()) {
            Some(growth) => Ok(Transformed::yes(AccountedFunction::call(func, growth, account, args))),
            None => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
        },
        Expr::BinaryExpr(LogicalBinary { left, op: Operator::StringConcat, right }) => {
            let concat = Arc::new(ScalarUDF::from(ConcatOperator::new()));
            Ok(Transformed::yes(AccountedFunction::call(concat, Growth::Sum, account, vec![*left, *right])))
        }
        other => Ok(Transformed::no(other)),
    };
    let in_node = |node: LogicalPlan| node.map_expressions(|expr| expr.transform_up(exchange));
    plan.transform_down_with_subqueries(in_node).data()
}

/// See the file's head.
#[derive(Debug)]
struct AccountedFunction {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    account: Arc<FunctionAccount>,
}

impl AccountedFunction {
    fn call(inner: Arc<ScalarUDF>, growth: Growth, account: &Arc<FunctionAccount>, args: Vec<Expr>) -> Expr {
        let function = Self { inner, growth, account: Arc::clone(account) };
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), args))
    }

    /// Calls the function while a query is optimised.
    fn fold(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.growth == Growth::Pairs && estimate::pairs(&args.args, args.number_rows) > FOLDED_STEPS {
            return plan_err!("a constant that is left for the run");
        }
        let given: usize = args.args.iter().map(|argument| estimate::bytes(argument, 1)).sum();
        if self.growth.estimate(&args.args, 1) > 2 * given + FOLDED_BYTES {
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

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.growth == Growth::Pairs {
            self.account.take_steps(estimate::pairs(&args.args, args.number_rows))?;
        }
        if !self.account.is_running.load(Ordering::Relaxed) {
            return self.fold(args);
        }
        let rows = args.number_rows;
        let largest = self.growth.estimate(&args.args, rows);
        if largest <= SMALL_BYTES {
            return self.inner.invoke_with_args(args);
        }
        let reservation = self.account.reserve(largest)?;
        // A constant result is repeated here, where it is charged, and not where nobody looks.
        let result = self.inner.invoke_with_args(args)?.into_array(rows)?;
        reservation.try_resize(array_bytes(result.as_ref()))?;
        held(&result, reservation).map(ColumnarValue::Array)
    }
}

/// The same array, that gives its memory back when its largest buffer is gone.
fn held(array: &ArrayRef, reservation: MemoryReservation) -> Result<ArrayRef> {
    let data = array.to_data();
    let mut buffers = data.buffers().to_vec();
    let Some(largest) = buffers.iter_mut().max_by_key(|buffer| buffer.len()) else {
        return Ok(Arc::clone(array));
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

/// The operator `||` between texts as a function, with the operator's types, its name for columns and its NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ConcatOperator {
    signature: Signature,
}

impl ConcatOperator {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ConcatOperator {
    fn name(&self) -> &'static str {
        "||"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [left, right] = args else {
            return plan_err!("|| takes two operands");
        };
        let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
        let operator = Expr::BinaryExpr(LogicalBinary::new(left, Operator::StringConcat, right));
        Ok(operator.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = arg_types else {
            return plan_err!("|| takes two operands");
        };
        let (left, right) = BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [left, right] = arg_types else {
            return plan_err!("|| takes two operands");
        };
        BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let operands: Vec<ArrayRef> =
            args.args.into_iter().map(|operand| operand.into_array(rows)).collect::<Result<_>>()?;
        let fields: Vec<Field> =
            operands.iter().map(|operand| Field::new("operand", operand.data_type().clone(), true)).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), operands)
            .map_err(|error| DataFusionError::Internal(error.to_string()))?;
        let operand = |position| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new("operand", position)) };
        BinaryExpr::new(operand(0), Operator::StringConcat, operand(1)).evaluate(&batch)
    }
}

#[cfg(test)]
mod tests;
