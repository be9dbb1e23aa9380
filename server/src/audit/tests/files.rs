//! The file of the trail: private, followed when it is exchanged, and never mixed with half a line.

use super::*;

fn to_file(path: &std::path::Path) -> AuditTrail {
    let settings = AuditSettings { path: Some(path.to_owned()), log_statements: true };
    AuditTrail::new(&settings, Arc::default()).unwrap()
}

fn lines_of(path: &std::path::Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn the_trail_is_a_private_file_that_grows() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    for _ in 0..2 {
        let trail = to_file(&path);
        start(&trail, "select 1").unwrap().finish(Ok(()));
        trail.flush();
    }
    assert_eq!(lines_of(&path), 4);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn half_a_line_of_an_earlier_process_does_not_take_the_next_record_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, "{\"event\":\"query.st").unwrap();
    let trail = to_file(&path);
    start(&trail, "select 1").unwrap().finish(Ok(()));
    trail.flush();
    assert_eq!(lines_of(&path), 3);
}

#[test]
fn a_file_that_is_renamed_or_deleted_is_left_and_a_new_one_made() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
    let trail = to_file(&path);
    let run = || {
        start(&trail, "select 1").unwrap().finish(Ok(()));
        trail.flush();
    };
    run();
    std::fs::rename(&path, &moved).unwrap();
    trail.reopen();
    until("a new file is there", || path.exists());
    run();
    assert_eq!((lines_of(&moved), lines_of(&path)), (2, 2));
    std::fs::remove_file(&path).unwrap();
    run();
    assert_eq!(lines_of(&path), 2, "without a signal");
}

#[test]
fn a_folder_that_is_gone_refuses_statements_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let path = inside.join("audit.jsonl");
    let trail = to_file(&path);
    std::fs::remove_dir_all(&inside).unwrap();
    until("the loss is noticed without a statement", || trail.is_failing());
    std::fs::create_dir(&inside).unwrap();
    until("the trail goes on", || !trail.is_failing());
    assert!(std::fs::read_to_string(&path).unwrap().contains("audit.interrupted"));
}

#[test]
fn a_trail_that_cannot_be_opened_stops_the_start() {
    let settings = AuditSettings { path: Some("/nonexistent/audit.jsonl".into()), log_statements: true };
    let refused = AuditTrail::new(&settings, Arc::default());
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::InvalidRequest);
}
