//! Each target over its seeds, and over a fixed number of their mutations.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::Path;
use std::thread;

use super::mutate::Mutator;

/// Half of what the server's threads have: builds with checks need more of it than those without.
const STACK_BYTES: usize = 8 << 20;

/// The first mutation's number; the n-th has this one plus n.
const FIRST: u64 = 20_260_101;

/// Tells a failing input, from which a seed is made.
struct Input<'a> {
    origin: &'a str,
    bytes: &'a [u8],
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}, as bytes of a string: b\"{}\"", self.origin, self.bytes.escape_ascii());
        }
    }
}

/// The seeds in the order of their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target);
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    let mut seeds: Vec<_> = fs::read_dir(folder).unwrap().map(read).collect();
    seeds.sort();
    assert!(seeds.len() >= 20, "{target} has {} seeds", seeds.len());
    seeds
}

fn run(name: &'static str, target: fn(&[u8]), mutations: u64) {
    let check = move || {
        let seeds = seeds(name);
        for (file, bytes) in &seeds {
            let _input = Input { origin: file, bytes };
            target(bytes);
        }
        let seeds: Vec<Vec<u8>> = seeds.into_iter().map(|(_, bytes)| bytes).collect();
        for number in FIRST..FIRST + mutations {
            let bytes = Mutator::new(&seeds, number).input();
            let _input = Input { origin: &format!("mutation {number} of {name}"), bytes: &bytes };
            target(&bytes);
        }
        println!("{name}: {} seeds, mutations from {FIRST} on: {mutations}", seeds.len());
    };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(check).unwrap().join().unwrap();
}

#[test]
fn what_row_filters_promise_holds_for_any_text() {
    run("row_filter", super::row_filter, 250);
}

#[test]
fn nothing_opens_but_what_was_sealed_for_its_owner() {
    run("ticket", super::ticket, 250);
}

#[test]
fn no_path_of_a_log_leaves_the_table() {
    run("path_jail", super::path_jail, 500);
}

#[test]
fn what_passes_the_sql_gate_reads_only_tables_that_are_authorised() {
    run("sql", super::sql, 500);
}

#[test]
fn deletion_vectors_are_exact_or_refused() {
    run("deletion_vector", super::deletion_vector, 250);
}

#[test]
fn bound_parameters_are_no_larger_than_a_bind_may_be() {
    run("parameters", super::parameters, 1000);
}

#[test]
fn files_of_any_types_and_bytes_give_valid_values_or_an_error() {
    run("parquet", super::parquet, 250);
}

#[test]
fn logs_of_any_bytes_give_an_index_of_files_or_an_error() {
    run("checkpoint", super::checkpoint, 100);
}
