//! Parameters that are arguments of functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DFSchema;
use datafusion::logical_expr::type_coercion::functions::{UDFCoercionExt, fields_with_udf};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};

use super::{MOMENT, Places, known_type};

/// Functions of which all arguments have one type, which is also the result's.
const OF_ONE_TYPE: [&str; 6] = ["coalesce", "nvl", "ifnull", "nullif", "greatest", "least"];

/// What an argument may be, the likeliest first. The first one is taken that a signature leaves as it is.
fn candidates() -> [DataType; 7] {
    [
        DataType::Utf8,
        DataType::Int64,
        DataType::Float64,
        MOMENT,
        DataType::Date32,
        DataType::Boolean,
        DataType::Binary,
    ]
}

impl Places {
    /// # Arguments
    /// * `call` - a call of a function, aggregate or window.
    pub(super) fn of_call(&mut self, call: &Expr, expected: Option<&DataType>, schema: &DFSchema) {
        match call {
            Expr::ScalarFunction(function) => {
                let arguments: Vec<&Expr> = function.args.iter().collect();
                let name = function.name();
                if OF_ONE_TYPE.contains(&name) {
                    self.siblings(&arguments, expected, schema);
                } else if let (Some(DataType::Struct(fields)), "struct" | "row") = (expected, name) {
                    for (argument, field) in arguments.iter().zip(fields) {
                        self.visit(argument, Some(field.data_type()), schema);
                    }
                } else if let ("round" | "trunc", [value, digits]) = (name, arguments.as_slice()) {
                    self.visit(value, None, schema);
                    self.visit(digits, Some(&DataType::Int64), schema);
                } else if name == "make_array" {
                    self.siblings(&arguments, None, schema);
                } else {
                    self.of_arguments(&arguments, function.func.as_ref(), schema);
                }
            }
            Expr::AggregateFunction(function) => {
                let params = &function.params;
                let arguments: Vec<&Expr> = params.args.iter().collect();
                self.of_arguments(&arguments, function.func.as_ref(), schema);
                if let Some(filter) = &params.filter {
                    self.visit(filter, Some(&DataType::Boolean), schema);
                }
                params.order_by.iter().for_each(|sorted| self.visit(&sorted.expr, None, schema));
            }
            Expr::WindowFunction(function) => {
                let params = &function.params;
                let arguments: Vec<&Expr> = params.args.iter().collect();
                match &function.fun {
                    WindowFunctionDefinition::AggregateUDF(udf) => {
                        self.of_arguments(&arguments, udf.as_ref(), schema);
                    }
                    WindowFunctionDefinition::WindowUDF(udf) => {
                        self.of_window(udf.name(), &arguments, schema);
                    }
                }
                params.partition_by.iter().for_each(|expr| self.visit(expr, None, schema));
                params.order_by.iter().for_each(|sorted| self.visit(&sorted.expr, None, schema));
            }
            _ => {}
        }
    }

    /// `lag(value, offset, default)` and its siblings.
    fn of_window(&mut self, name: &str, arguments: &[&Expr], schema: &DFSchema) {
        let value = arguments.first().and_then(|value| known_type(value, schema));
        for (index, argument) in arguments.iter().enumerate() {
            let expected = match (name, index) {
                ("lag" | "lead" | "nth_value", 1) | ("ntile", 0) => Some(&DataType::Int64),
                ("lag" | "lead", 2) => value.as_ref(),
                _ => None,
            };
            self.visit(argument, expected, schema);
        }
    }

    /// Arguments by the function's signature.
    fn of_arguments<F: UDFCoercionExt>(&mut self, arguments: &[&Expr], function: &F, schema: &DFSchema) {
        let known: Vec<Option<DataType>> =
            arguments.iter().map(|argument| known_type(argument, schema)).collect();
        for (index, argument) in arguments.iter().enumerate() {
            let expected = match &known[index] {
                Some(_) => None,
                None => taken(&known, index, function),
            };
            self.visit(argument, expected.as_ref(), schema);
        }
    }
}

/// The type that a signature takes at one place, where those of other places may be open as well.
fn taken<F: UDFCoercionExt>(known: &[Option<DataType>], index: usize, function: &F) -> Option<DataType> {
    candidates().into_iter().find(|candidate| {
        let field = |place: usize, known: &Option<DataType>| -> FieldRef {
            let data_type = match known {
                Some(data_type) => data_type.clone(),
                None if place == index => candidate.clone(),
                None => DataType::Null,
            };
            Arc::new(Field::new("", data_type, true))
        };
        let fields: Vec<FieldRef> =
            known.iter().enumerate().map(|(place, known)| field(place, known)).collect();
        let Ok(coerced) = fields_with_udf(&fields, function) else { return false };
        coerced.get(index).is_some_and(|field| is_same(field.data_type(), candidate))
    })
}

/// Whether a value of this type is taken as it is, in whatever layout.
fn is_same(taken: &DataType, candidate: &DataType) -> bool {
    match (taken, candidate) {
        (DataType::Utf8View | DataType::LargeUtf8, DataType::Utf8)
        | (DataType::BinaryView | DataType::LargeBinary, DataType::Binary)
        | (DataType::Timestamp(_, _), DataType::Timestamp(_, _)) => true,
        (taken, candidate) => taken == candidate,
    }
}
