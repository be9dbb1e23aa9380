//! Steps towards a smaller query: a clause, an item or a part of a condition less.

use super::{Condition, Ending, Query, Select, Source};

impl Query {
    /// Queries that are one step smaller, the largest steps first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for (position, branch) in self.branches.iter().enumerate() {
            if self.branches.len() > 1 {
                let mut query = self.clone();
                query.branches.remove(position);
                smaller.push(query);
            }
            smaller.extend(branch.smaller().into_iter().map(|branch| {
                let mut query = self.clone();
                query.branches[position] = branch;
                query
            }));
        }
        let commons = self.common.iter().flat_map(Select::smaller);
        smaller.extend(commons.map(|common| Self { common: Some(common), ..self.clone() }));
        smaller
    }
}

impl Select {
    fn smaller(&self) -> Vec<Self> {
        let mut smaller = self.with_less_of_the_ending();
        if self.distinct {
            smaller.push(Self { distinct: false, ..self.clone() });
        }
        let conditions = less_of(self.condition.as_ref());
        smaller.extend(conditions.map(|condition| Self { condition, ..self.clone() }));
        smaller.extend(less_of(self.having.as_ref()).map(|having| Self { having, ..self.clone() }));
        if self.items.len() > 1 {
            smaller.extend((0..self.items.len()).map(|position| self.without_item(position)));
        }
        if self.joins.len() > 1 {
            let joins = self.joins[..self.joins.len() - 1].to_vec();
            smaller.push(Self { joins, ..self.clone() });
        }
        if let Source::Derived(inner) = &self.source {
            let inner = inner.smaller().into_iter().map(|inner| Source::Derived(Box::new(inner)));
            smaller.extend(inner.map(|source| Self { source, ..self.clone() }));
        }
        smaller
    }

    /// The limit of a counted query stays: without it another query would be left.
    fn with_less_of_the_ending(&self) -> Vec<Self> {
        let Ending::Ordered { directions, limit, offset } = &self.ending else {
            return Vec::new();
        };
        let ordered = |limit: Option<u32>, offset: Option<u32>| Ending::Ordered {
            directions: directions.clone(),
            limit,
            offset,
        };
        let mut endings = vec![Ending::All];
        if limit.is_some() && offset.is_some() {
            endings.extend([ordered(*limit, None), ordered(None, *offset)]);
        }
        endings.into_iter().map(|ending| Self { ending, ..self.clone() }).collect()
    }

    fn without_item(&self, position: usize) -> Self {
        let mut select = self.clone();
        select.items.remove(position);
        if position < select.keys {
            select.keys -= 1;
        }
        if let Ending::Ordered { directions, .. } = &mut select.ending {
            directions.remove(position);
        }
        select
    }
}

/// Nothing instead of a condition, and what is smaller than it.
fn less_of(condition: Option<&Condition>) -> impl Iterator<Item = Option<Condition>> {
    let smaller = condition.map(Condition::smaller).unwrap_or_default();
    let nothing = condition.map(|_| None);
    nothing.into_iter().chain(smaller.into_iter().map(Some))
}
