//! The employees: the same on every machine, nobody real, and tempting.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use arrow::array::{Array, AsArray};
use std::collections::HashSet;

fn all_employees() -> Vec<Employee> {
    (1..=EMPLOYEES).map(Employee::numbered).collect()
}

#[test]
fn the_first_employees_are_known_values() {
    let shown: Vec<String> = [1, 2, 10_000]
        .map(Employee::numbered)
        .iter()
        .map(|row| format!("{} {} {} {:?} {:?}", row.id, row.name, row.ssn, row.country, row.salary_cents))
        .collect();
    let expected = [
        "1 Jidri Baorque 960-12-1340 Some(\"DE\") Some(14597625)",
        "2 Halro Zenveltu 986-38-3382 Some(\"DE\") Some(14252391)",
        "10000 Gufen Jiorgu 956-18-7234 Some(\"IT\") Some(6702201)",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn rows_do_not_depend_on_the_part_they_are_generated_in() {
    let whole = employees(1, 101).unwrap();
    let second_half = employees(51, 101).unwrap();
    assert_eq!(whole.slice(50, 50), second_half);
}

#[test]
fn identifiers_are_unique_and_belong_to_nobody() {
    let rows = all_employees();
    let emails: HashSet<&str> = rows.iter().filter_map(|row| row.email.as_deref()).collect();
    assert_eq!(emails.len(), rows.iter().filter(|row| row.email.is_some()).count());
    assert!(emails.iter().all(|email| email.ends_with("@example.com")));
    for row in &rows {
        let groups: Vec<&str> = row.ssn.split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [3, 2, 4], "{}", row.ssn);
        assert!(row.ssn.starts_with('9'), "{}", row.ssn);
        assert!(row.ssn.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()), "{}", row.ssn);
    }
}

#[test]
fn columns_that_policies_ask_about_contain_null() {
    let batch = employees(1, EMPLOYEES + 1).unwrap();
    for column in ["email", "salary", "country", "department", "manager_id", "rating", "notes"] {
        let nulls = batch.column_by_name(column).unwrap().null_count();
        assert!(nulls > 0 && nulls < batch.num_rows() / 4, "{column}: {nulls}");
    }
}

#[test]
fn every_row_filter_of_the_demo_keeps_some_rows_and_hides_some() {
    let rows = all_employees();
    let in_france = rows.iter().filter(|row| row.country == Some("FR")).count();
    let active_in_france = rows.iter().filter(|row| row.country == Some("FR") && row.active).count();
    assert!(0 < active_in_france && active_in_france < in_france && in_france < rows.len());
}

#[test]
fn notes_are_mostly_numbers_but_not_all() {
    let batch = employees(1, EMPLOYEES + 1).unwrap();
    let notes: Vec<&str> =
        batch.column_by_name("notes").unwrap().as_string::<i32>().iter().flatten().collect();
    let numbers = notes.iter().filter(|text| text.parse::<i32>().is_ok()).count();
    assert!(numbers > notes.len() / 2 && numbers < notes.len());
}

#[test]
fn managers_exist_rank_above_and_share_the_department() {
    for id in FIRST_HEAD..=EMPLOYEES {
        let superior = manager(id).unwrap();
        assert!((DIRECTOR..id).contains(&superior), "{id}");
        assert!(superior == DIRECTOR || department(superior) == department(id), "{id}");
    }
    assert_eq!(manager(DIRECTOR), None);
    assert_eq!(department(DIRECTOR), None);
}

#[test]
fn a_department_is_headed_by_one_of_its_own() {
    let batch = departments().unwrap();
    for (row, (name, _, _)) in DEPARTMENTS.iter().enumerate() {
        let head =
            batch.column_by_name("head_id").unwrap().as_primitive::<arrow::datatypes::Int64Type>().value(row);
        assert_eq!(department(head), Some(*name));
    }
}
