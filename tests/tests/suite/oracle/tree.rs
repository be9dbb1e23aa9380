//! Conditions in SQL's logic as trees over leaves of any sort.
//!
//! Row filters and WHERE clauses have the same shape, and a failure is shrunk by the same steps in both.

/// A condition.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Tree<T> {
    /// AND of at least two.
    All(Vec<Tree<T>>),
    /// OR of at least two.
    Any(Vec<Tree<T>>),
    Not(Box<Tree<T>>),
    Leaf(T),
}

impl<T: Clone> Tree<T> {
    /// Trees of fewer nodes that are one step away, the largest steps first.
    pub(super) fn smaller(&self) -> Vec<Self> {
        match self {
            Self::All(operands) => Self::smaller_chains(operands, Self::All),
            Self::Any(operands) => Self::smaller_chains(operands, Self::Any),
            Self::Not(operand) => {
                let below = operand.smaller().into_iter().map(|operand| Self::Not(Box::new(operand)));
                std::iter::once(operand.as_ref().clone()).chain(below).collect()
            }
            Self::Leaf(_) => Vec::new(),
        }
    }

    fn smaller_chains(operands: &[Self], chain: fn(Vec<Self>) -> Self) -> Vec<Self> {
        let mut smaller = operands.to_vec();
        let positions = 0..operands.len();
        if operands.len() > 2 {
            smaller.extend(positions.clone().map(|position| {
                let mut rest = operands.to_vec();
                rest.remove(position);
                chain(rest)
            }));
        }
        for position in positions {
            smaller.extend(operands[position].smaller().into_iter().map(|replacement| {
                let mut changed = operands.to_vec();
                changed[position] = replacement;
                chain(changed)
            }));
        }
        smaller
    }

    /// All leaves, from left to right.
    pub(super) fn leaves(&self) -> Vec<&T> {
        match self {
            Self::All(operands) | Self::Any(operands) => operands.iter().flat_map(Self::leaves).collect(),
            Self::Not(operand) => operand.leaves(),
            Self::Leaf(leaf) => vec![leaf],
        }
    }
}

#[test]
fn every_smaller_tree_has_fewer_nodes_and_no_chain_of_one() {
    fn nodes(tree: &Tree<u8>) -> usize {
        match tree {
            Tree::All(operands) | Tree::Any(operands) => {
                assert!(operands.len() > 1, "{tree:?}");
                1 + operands.iter().map(nodes).sum::<usize>()
            }
            Tree::Not(operand) => 1 + nodes(operand),
            Tree::Leaf(_) => 1,
        }
    }
    let any = Tree::Any(vec![Tree::Leaf(1), Tree::Not(Box::new(Tree::Leaf(2))), Tree::Leaf(3)]);
    let tree = Tree::All(vec![Tree::Leaf(0), any]);
    let smaller = tree.smaller();
    assert!(smaller.iter().all(|other| nodes(other) < nodes(&tree)), "{smaller:?}");
    assert!(smaller.contains(&Tree::Leaf(0)), "{smaller:?}");
    assert_eq!(tree.leaves(), [&0, &1, &2, &3]);
}
