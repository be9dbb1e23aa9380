//! Which queries are asked how often.

use rand::RngExt;
use rand::rngs::StdRng;

use super::Query;
use super::combined::{common, correlated, joined, naturally_joined, scalar, united};
use super::failing::{absent, failing, perhaps_several};
use super::known::Known;
use super::single::{counted, derived, distinct, grouped, plain, star, totals, verdicts, window};

type Shape = fn(&Known, &mut StdRng) -> Query;

/// Shapes of queries with their shares in a hundred.
const SHAPES: [(u32, Shape); 18] = [
    (6, star),
    (14, plain),
    (6, distinct),
    (10, grouped),
    (7, totals),
    (7, window),
    (3, counted),
    (4, derived),
    (4, verdicts),
    (8, joined),
    (2, naturally_joined),
    (7, correlated),
    (4, scalar),
    (4, united),
    (4, common),
    (7, failing),
    (1, perhaps_several),
    (2, absent),
];

/// A query over a table of which this is known.
pub(crate) fn random_query(known: &Known, random: &mut StdRng) -> Query {
    let total: u32 = SHAPES.iter().map(|(share, _)| share).sum();
    let mut place = random.random_range(0..total);
    let shape = SHAPES.iter().find(|(share, _)| {
        let is_here = place < *share;
        place = place.saturating_sub(*share);
        is_here
    });
    let (_, make) = shape.unwrap();
    make(known, random)
}

#[test]
fn the_shares_of_all_queries_make_a_hundred() {
    assert_eq!(SHAPES.iter().map(|(share, _)| share).sum::<u32>(), 100);
}
