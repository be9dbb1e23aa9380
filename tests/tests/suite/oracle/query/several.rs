//! Queries over two or three tables of which the user is shown different parts.
//!
//! The first table is `{}`, the others are `{1}` and `{2}`. Columns of one name may be of different kinds, visible in one
//! table and hidden in another; values repeat in all tables, so that columns of one kind meet.

mod filtered;
mod joins;
mod sets;
mod sides;

use rand::RngExt;
use rand::rngs::StdRng;

use self::sides::Sides;
use super::{Known, Query};

/// A shape of queries: its name, its share in a hundred, and how many tables it reads.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    share: u32,
    pub(crate) tables: usize,
    make: fn(&Sides<'_>, &mut StdRng) -> Option<Query>,
}

static SHAPES: [Shape; 17] = [
    Shape { name: "joined", share: 10, tables: 2, make: joins::joined },
    Shape { name: "joined and totalled", share: 8, tables: 2, make: joins::totalled },
    Shape { name: "joined and grouped", share: 7, tables: 2, make: joins::grouped },
    Shape { name: "semi or anti join", share: 8, tables: 2, make: joins::semi },
    Shape { name: "three joined", share: 6, tables: 3, make: joins::three },
    Shape { name: "natural or using", share: 5, tables: 2, make: joins::by_name },
    Shape { name: "first of joined", share: 6, tables: 2, make: joins::first },
    Shape { name: "window over a join", share: 6, tables: 2, make: joins::window },
    Shape { name: "groups joined", share: 4, tables: 2, make: joins::of_groups },
    Shape { name: "common joined", share: 4, tables: 2, make: joins::with_common },
    Shape { name: "fails on marks only", share: 4, tables: 2, make: joins::failing },
    Shape { name: "set operation", share: 10, tables: 2, make: sets::of_two },
    Shape { name: "set operation of three", share: 3, tables: 3, make: sets::of_three },
    Shape { name: "in or not in", share: 6, tables: 2, make: filtered::by_list },
    Shape { name: "exists or not", share: 5, tables: 2, make: filtered::by_existence },
    Shape { name: "scalar subquery", share: 2, tables: 2, make: filtered::scalar },
    Shape { name: "hidden on one side", share: 6, tables: 2, make: filtered::hidden_here_and_shown_there },
];

/// The names of all shapes.
pub(crate) fn shapes() -> impl Iterator<Item = &'static Shape> {
    SHAPES.iter()
}

/// A query of some shape over tables of which this is known. Tables that have nothing to make the wanted shape of get
/// another one.
///
/// # Arguments
/// * `tables` - three; a query that reads fewer reads the first of them.
pub(crate) fn random_query_over(tables: [&Known; 3], random: &mut StdRng) -> (Query, &'static Shape) {
    let sides = Sides::of(tables);
    loop {
        let mut place = random.random_range(0..SHAPES.iter().map(|shape| shape.share).sum::<u32>());
        let chosen = SHAPES.iter().find(|shape| {
            let is_here = place < shape.share;
            place = place.saturating_sub(shape.share);
            is_here
        });
        let shape = chosen.unwrap();
        if let Some(query) = (shape.make)(&sides, random) {
            return (query, shape);
        }
    }
}

#[test]
fn the_shares_of_all_shapes_make_a_hundred() {
    assert_eq!(SHAPES.iter().map(|shape| shape.share).sum::<u32>(), 100);
}
