//! Random choices that every generator makes. All of them draw from the generator that they are given, so that one seed
//! makes one table and its queries.

use rand::RngExt;
use rand::rngs::StdRng;

use super::tree::Tree;

/// One of some things.
pub(super) fn pick<T: Copy>(items: &[T], random: &mut StdRng) -> T {
    items[random.random_range(0..items.len())]
}

/// At least `least` of some things, in their own order. `likely` is the chance of each.
pub(super) fn some_of<T: Clone>(items: &[T], least: usize, likely: f64, random: &mut StdRng) -> Vec<T> {
    let mut chosen: Vec<bool> = items.iter().map(|_| random.random_bool(likely)).collect();
    let wanted = least.min(items.len());
    while chosen.iter().filter(|is_chosen| **is_chosen).count() < wanted {
        let position = random.random_range(0..items.len());
        chosen[position] = true;
    }
    items.iter().zip(chosen).filter(|(_, is_chosen)| *is_chosen).map(|(item, _)| item.clone()).collect()
}

/// The same things in another order.
pub(super) fn shuffled<T>(items: Vec<T>, random: &mut StdRng) -> Vec<T> {
    let mut keyed: Vec<(u32, T)> =
        items.into_iter().map(|item| (random.random_range(0..u32::MAX), item)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// A condition whose operators nest at most `depth` deep.
pub(super) fn random_tree<T>(
    depth: u32,
    leaf: &mut dyn FnMut(&mut StdRng) -> T,
    random: &mut StdRng,
) -> Tree<T> {
    let sort = if depth == 0 { 0 } else { random.random_range(0..10) };
    match sort {
        0 => Tree::Leaf(leaf(random)),
        1..=4 => Tree::All(operands(depth, leaf, random)),
        5..=7 => Tree::Any(operands(depth, leaf, random)),
        _ => Tree::Not(Box::new(random_tree(depth - 1, leaf, random))),
    }
}

fn operands<T>(depth: u32, leaf: &mut dyn FnMut(&mut StdRng) -> T, random: &mut StdRng) -> Vec<Tree<T>> {
    let count = random.random_range(2..=3);
    (0..count).map(|_| random_tree(depth - 1, leaf, random)).collect()
}
