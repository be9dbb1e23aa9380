//! What a window function of this room that stands in the place of an engine's, and its evaluator, leave to that one.
//!
//! Both macros are for types whose only field is what they stand in the place of.

/// The methods of a `WindowUDFImpl` that say what the engine's function says.
macro_rules! window_as_inner {
    () => {
        fn name(&self) -> &str {
            self.0.name()
        }

        fn aliases(&self) -> &[String] {
            self.0.aliases()
        }

        fn signature(&self) -> &datafusion::logical_expr::Signature {
            self.0.signature()
        }

        fn expressions(
            &self,
            args: datafusion::logical_expr::function::ExpressionArgs<'_>,
        ) -> Vec<Arc<dyn datafusion::physical_expr::PhysicalExpr>> {
            self.0.inner().expressions(args)
        }

        fn sort_options(&self) -> Option<arrow::compute::SortOptions> {
            self.0.inner().sort_options()
        }

        fn coerce_types(
            &self,
            arg_types: &[arrow::datatypes::DataType],
        ) -> Result<Vec<arrow::datatypes::DataType>> {
            self.0.inner().coerce_types(arg_types)
        }

        fn documentation(&self) -> Option<&datafusion::logical_expr::Documentation> {
            self.0.inner().documentation()
        }

        fn limit_effect(
            &self,
            args: &[Arc<dyn datafusion::physical_expr::PhysicalExpr>],
        ) -> datafusion::logical_expr::LimitEffect {
            self.0.inner().limit_effect(args)
        }
    };
}

/// The methods of a `PartitionEvaluator` that compute no value.
macro_rules! evaluator_as_inner {
    () => {
        fn memoize(
            &mut self,
            state: &mut datafusion::logical_expr::window_state::WindowAggState,
        ) -> Result<()> {
            self.0.memoize(state)
        }

        fn get_range(&self, idx: usize, n_rows: usize) -> Result<Range<usize>> {
            self.0.get_range(idx, n_rows)
        }

        fn is_causal(&self) -> bool {
            self.0.is_causal()
        }

        fn uses_window_frame(&self) -> bool {
            self.0.uses_window_frame()
        }

        fn include_rank(&self) -> bool {
            self.0.include_rank()
        }
    };
}

pub(super) use {evaluator_as_inner, window_as_inner};
