//! What is no function in SQL, as functions that can be charged: `||`, comparisons with patterns, and what hands on.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{DataFusionError, Result, internal_err, plan_err};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr as LogicalBinary, ColumnarValue, Expr, Like, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal, like};

use super::call::AccountedFunction;

/// Arrays of one length as columns of a batch.
fn batch_of(operands: Vec<ArrayRef>) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        operands.iter().map(|operand| Field::new("operand", operand.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), operands)
        .map_err(|error| DataFusionError::Internal(error.to_string()))
}

fn operand(position: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new("operand", position))
}

fn arrays(args: ScalarFunctionArgs) -> Result<Vec<ArrayRef>> {
    let rows = args.number_rows;
    args.args.into_iter().map(|operand| operand.into_array(rows)).collect()
}

/// `a || b || c` between texts as a function, with the operator's types, its name for columns and its NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ConcatOperator {
    signature: Signature,
}

impl ConcatOperator {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Whether a function is this one, accounted.
    pub(super) fn is(function: &ScalarUDF) -> bool {
        function
            .inner()
            .downcast_ref::<AccountedFunction>()
            .is_some_and(|call| call.inner.inner().is::<Self>())
    }
}

/// The types that both operands of `||` get, and that of its result.
fn concatenated(left: &DataType, right: &DataType) -> Result<(DataType, DataType, DataType)> {
    let coercer = BinaryTypeCoercer::new(left, &Operator::StringConcat, right);
    let (left, right) = coercer.get_input_types()?;
    Ok((left, right, coercer.get_result_type()?))
}

/// The type of a chain from left to right.
fn chain_type(types: &[DataType]) -> Result<DataType> {
    match types {
        [first, others @ ..] if !others.is_empty() => {
            others.iter().try_fold(first.clone(), |so_far, next| Ok(concatenated(&so_far, next)?.2))
        }
        _ => plan_err!("|| takes two operands"),
    }
}

fn concat_pair(left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
    let (left_type, right_type, _) = concatenated(left.data_type(), right.data_type())?;
    let batch = batch_of(vec![cast(left, &left_type)?, cast(right, &right_type)?])?;
    let pair = BinaryExpr::new(operand(0), Operator::StringConcat, operand(1));
    pair.evaluate(&batch)?.into_array(batch.num_rows())
}

impl ScalarUDFImpl for ConcatOperator {
    fn name(&self) -> &'static str {
        "||"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|operand| operand.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let result = chain_type(arg_types)?;
        if result.is_string() {
            return Ok(vec![result; arg_types.len()]);
        }
        match arg_types {
            [left, right] => concatenated(left, right).map(|(left, right, _)| vec![left, right]),
            _ => Ok(arg_types.to_vec()),
        }
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        chain_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut operands = arrays(args)?;
        // Texts in pairs, pairs in pairs: one after the other, the first would be copied as often as there are others.
        while operands.len() > 1 && operands.iter().all(|operand| operand.data_type().is_string()) {
            let pairs = operands.chunks(2).map(|pair| match pair {
                [left, right] => concat_pair(left, right),
                [single, ..] => Ok(ArrayRef::clone(single)),
                [] => internal_err!("an empty pair"),
            });
            operands = pairs.collect::<Result<_>>()?;
        }
        let mut operands = operands.into_iter();
        let Some(first) = operands.next() else { return plan_err!("|| takes two operands") };
        operands.try_fold(first, |so_far, next| concat_pair(&so_far, &next)).map(ColumnarValue::Array)
    }
}

/// A comparison of a text with a pattern, as a function of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Comparison {
    Like { is_negated: bool, ignores_case: bool },
    SimilarTo { is_negated: bool, ignores_case: bool },
    Operator(Operator),
}

/// LIKE, SIMILAR TO, `~` and their kin as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PatternOperator {
    comparison: Comparison,
    signature: Signature,
}

impl PatternOperator {
    /// Whether an operator compares with a pattern.
    pub(super) fn is(operator: Operator) -> bool {
        matches!(
            operator,
            Operator::RegexMatch
                | Operator::RegexIMatch
                | Operator::RegexNotMatch
                | Operator::RegexNotIMatch
                | Operator::LikeMatch
                | Operator::ILikeMatch
                | Operator::NotLikeMatch
                | Operator::NotILikeMatch
        )
    }

    /// The function for a comparison, and its operands; the expression if it is none, or one that the engine refuses.
    pub(super) fn of(expr: Expr) -> std::result::Result<(Self, Vec<Expr>), Box<Expr>> {
        let (comparison, operands) = match expr {
            Expr::Like(Like { negated, expr, pattern, escape_char: None, case_insensitive }) => {
                let comparison = Comparison::Like { is_negated: negated, ignores_case: case_insensitive };
                (comparison, vec![*expr, *pattern])
            }
            Expr::SimilarTo(Like { negated, expr, pattern, escape_char: None, case_insensitive }) => {
                let comparison =
                    Comparison::SimilarTo { is_negated: negated, ignores_case: case_insensitive };
                (comparison, vec![*expr, *pattern])
            }
            Expr::BinaryExpr(LogicalBinary { left, op, right }) if Self::is(op) => {
                (Comparison::Operator(op), vec![*left, *right])
            }
            other => return Err(Box::new(other)),
        };
        Ok((Self { comparison, signature: Signature::any(2, Volatility::Immutable) }, operands))
    }
}

impl ScalarUDFImpl for PatternOperator {
    fn name(&self) -> &'static str {
        "matches"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [text, pattern] = args else { return plan_err!("a text and a pattern") };
        let (text, pattern) = (Box::new(text.clone()), Box::new(pattern.clone()));
        let like =
            |negated, ignores_case| Like::new(negated, text.clone(), pattern.clone(), None, ignores_case);
        let written = match self.comparison {
            Comparison::Like { is_negated, ignores_case } => Expr::Like(like(is_negated, ignores_case)),
            Comparison::SimilarTo { is_negated, ignores_case } => {
                Expr::SimilarTo(like(is_negated, ignores_case))
            }
            Comparison::Operator(operator) => Expr::BinaryExpr(LogicalBinary::new(text, operator, pattern)),
        };
        Ok(written.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), DataType::Boolean, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // A constant pattern is compiled once for all rows.
        let pattern: Arc<dyn PhysicalExpr> = match args.args.get(1) {
            Some(ColumnarValue::Scalar(pattern)) => Arc::new(Literal::new(pattern.clone())),
            _ => operand(1),
        };
        let batch = batch_of(arrays(args)?)?;
        let binary = |operator| Arc::new(BinaryExpr::new(operand(0), operator, Arc::clone(&pattern)));
        let compared: Arc<dyn PhysicalExpr> = match self.comparison {
            Comparison::Like { is_negated, ignores_case } => {
                like(is_negated, ignores_case, operand(0), Arc::clone(&pattern), batch.schema_ref())?
            }
            Comparison::SimilarTo { is_negated, ignores_case } => binary(match (is_negated, ignores_case) {
                (false, false) => Operator::RegexMatch,
                (false, true) => Operator::RegexIMatch,
                (true, false) => Operator::RegexNotMatch,
                (true, true) => Operator::RegexNotIMatch,
            }),
            Comparison::Operator(operator) => binary(operator),
        };
        compared.evaluate(&batch)?.into_array(batch.num_rows()).map(ColumnarValue::Array)
    }
}

/// Gives its argument back: what others have made, to be charged.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HandOn {
    signature: Signature,
}

impl HandOn {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HandOn {
    fn name(&self) -> &'static str {
        "charged"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [value] = args else { return plan_err!("one value") };
        Ok(value.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [data_type] = arg_types else { return plan_err!("one value") };
        Ok(data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [field] = args.arg_fields else { return plan_err!("one value") };
        Ok(Arc::clone(field))
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(value) => Ok(value),
            None => plan_err!("one value"),
        }
    }
}
