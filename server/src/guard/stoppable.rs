//! The engine's rules, each of which asks before it looks at a plan or at a node of one whether anybody still waits.
//!
//! Planning never waits, so neither the statement's deadline nor a client that went away would end it ([`stop`]). Rules are
//! what it spends its time in: some thirty of them, most of which visit every node of a plan, up to three times.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{AnalyzerRule, OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::ExecutionPlan;

use crate::planner;
use crate::stop;

type SharedAnalyzerRule = Arc<dyn AnalyzerRule + Send + Sync>;
type SharedOptimizerRule = Arc<dyn OptimizerRule + Send + Sync>;
type SharedPhysicalRule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Analysers that stop.
pub(super) fn analyzer_rules(rules: Vec<SharedAnalyzerRule>) -> Vec<SharedAnalyzerRule> {
    rules.into_iter().map(|rule| Arc::new(Stoppable(rule)) as SharedAnalyzerRule).collect()
}

/// The engine's optimisers, which stop.
pub(super) fn optimizer_rules() -> Vec<SharedOptimizerRule> {
    let rules = planner::with_lone_rows(Optimizer::new().rules).into_iter();
    rules.map(|rule| Arc::new(Stoppable(rule)) as SharedOptimizerRule).collect()
}

/// Optimisers of physical plans that stop.
pub(super) fn physical_rules(rules: Vec<SharedPhysicalRule>) -> Vec<SharedPhysicalRule> {
    rules.into_iter().map(|rule| Arc::new(Stoppable(rule)) as SharedPhysicalRule).collect()
}

/// A rule that asks before it begins.
struct Stoppable<R>(R);

impl<R: fmt::Debug> fmt::Debug for Stoppable<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl AnalyzerRule for Stoppable<SharedAnalyzerRule> {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        stop::check()?;
        self.0.analyze(plan, config)
    }

    fn name(&self) -> &str {
        self.0.name()
    }
}

impl OptimizerRule for Stoppable<SharedOptimizerRule> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        stop::check()?;
        self.0.rewrite(plan, config)
    }
}

impl PhysicalOptimizerRule for Stoppable<SharedPhysicalRule> {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        stop::check()?;
        self.0.optimize(plan, config)
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        stop::check()?;
        self.0.optimize_with_context(plan, context)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::time::{Duration, Instant};

    use datafusion::logical_expr::{LogicalPlanBuilder, lit};
    use datafusion::optimizer::OptimizerContext;

    use super::*;
    use crate::error::ErrorKind;
    use crate::guard::redact::from_datafusion;
    use crate::stop::Stop;

    fn optimized() -> Result<LogicalPlan> {
        let plan = LogicalPlanBuilder::values(vec![vec![lit(1)]])?.filter(lit(true))?.build()?;
        Optimizer::with_rules(optimizer_rules()).optimize(plan, &OptimizerContext::new(), |_, _| {})
    }

    #[tokio::test]
    async fn a_plan_that_nobody_waits_for_is_looked_at_by_no_further_rule() {
        assert!(optimized().is_ok());
        let kind = |result: Result<LogicalPlan>| from_datafusion(result.unwrap_err()).kind();
        let (stop, waiting) = Stop::at(Instant::now() + Duration::from_secs(3600));
        assert!(stop.clone().scope(async { optimized() }).await.is_ok());
        drop(waiting);
        assert_eq!(kind(stop.scope(async { optimized() }).await), ErrorKind::Cancelled);
        let (stop, _waiting) = Stop::at(Instant::now());
        assert_eq!(kind(stop.scope(async { optimized() }).await), ErrorKind::DeadlineExceeded);
    }

    #[test]
    fn the_rules_are_the_engines_own() {
        let ours: Vec<_> =
            optimizer_rules().iter().map(|rule| (rule.name().to_owned(), rule.apply_order())).collect();
        let engines: Vec<_> =
            Optimizer::new().rules.iter().map(|rule| (rule.name().to_owned(), rule.apply_order())).collect();
        assert_eq!(format!("{ours:?}"), format!("{engines:?}"));
    }
}
