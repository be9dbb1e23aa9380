//! What a sealed value refuses, byte by byte.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use lakegate_proto::v1::PreparedHandle;

use super::*;
use crate::ids::RoleArn;

const KEY_BYTES: usize = 32;
const LIFETIME: Duration = Duration::from_secs(60);

fn key(byte: u8) -> Secret {
    Secret::new(STANDARD.encode([byte; KEY_BYTES]))
}

fn ring(bytes: &[u8]) -> Sealer {
    Sealer::new(&bytes.iter().copied().map(key).collect::<Vec<_>>()).unwrap()
}

fn principal(user: &str, role: &str) -> Principal {
    let arn = format!("arn:aws:iam::123456789012:role/lakegate/{role}");
    Principal::for_test(user, RoleArn::parse(&arn).unwrap())
}

fn body() -> PreparedHandle {
    PreparedHandle {
        sql: "SELECT 'canary'".to_owned(),
        parameters: vec![1, 2, 3],
        ..PreparedHandle::default()
    }
}

fn sealed_for(sealer: &Sealer, owner: &Principal) -> Vec<u8> {
    sealer.seal(Purpose::Ticket, Some(owner), LIFETIME, &body()).unwrap()
}

fn refusal(sealer: &Sealer, purpose: Purpose, owner: Option<&Principal>, sealed: &[u8]) -> ErrorKind {
    sealer.open::<PreparedHandle>(purpose, owner, sealed).unwrap_err().kind()
}

#[test]
fn what_was_sealed_opens_for_its_owner() {
    let (sealer, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let opened: PreparedHandle =
        sealer.open(Purpose::Ticket, Some(&owner), &sealed_for(&sealer, &owner)).unwrap();
    assert_eq!(opened, body());
}

#[test]
fn the_text_cannot_be_read_from_the_sealed_bytes() {
    let (sealer, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let sealed = sealed_for(&sealer, &owner);
    assert!(!sealed.windows(6).any(|window| window == b"canary"));
    assert_ne!(sealed, sealed_for(&sealer, &owner), "each seal draws its own nonce");
}

#[test]
fn a_change_of_any_byte_and_any_truncation_are_refused_alike() {
    let (sealer, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let sealed = sealed_for(&sealer, &owner);
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert_eq!(refusal(&sealer, Purpose::Ticket, Some(&owner), &changed), ErrorKind::PermissionDenied);
        let shortened = &sealed[..position];
        assert_eq!(refusal(&sealer, Purpose::Ticket, Some(&owner), shortened), ErrorKind::PermissionDenied);
    }
}

#[test]
fn another_user_another_role_or_no_owner_cannot_open() {
    let sealer = ring(&[1]);
    let owner = principal("analyst", "analyst");
    let sealed = sealed_for(&sealer, &owner);
    for other in
        [principal("support", "analyst"), principal("analyst", "support"), principal("analys", "tanalyst")]
    {
        assert_eq!(refusal(&sealer, Purpose::Ticket, Some(&other), &sealed), ErrorKind::PermissionDenied);
    }
    assert_eq!(refusal(&sealer, Purpose::Ticket, None, &sealed), ErrorKind::PermissionDenied);
}

#[test]
fn a_value_opens_for_its_own_purpose_only() {
    let (sealer, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let sealed = sealed_for(&sealer, &owner);
    assert_eq!(refusal(&sealer, Purpose::Prepared, Some(&owner), &sealed), ErrorKind::PermissionDenied);
    assert_eq!(refusal(&sealer, Purpose::Token, Some(&owner), &sealed), ErrorKind::Unauthenticated);
}

#[test]
fn a_value_expires_at_the_end_of_its_lifetime() {
    let (sealer, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let start = Utc::now();
    let sealed = sealer.seal_at(start, Purpose::Ticket, Some(&owner), LIFETIME, &body()).unwrap();
    let open_after = |milliseconds: i64| {
        let now = start + chrono::Duration::milliseconds(milliseconds);
        sealer
            .open_at::<PreparedHandle>(now, Purpose::Ticket, Some(&owner), &sealed)
            .map_err(|error| error.kind())
    };
    assert!(open_after(59_999).is_ok());
    assert_eq!(open_after(60_000), Err(ErrorKind::Expired));
}

#[test]
fn every_key_of_the_ring_opens_and_the_first_one_seals() {
    let owner = principal("analyst", "analyst");
    let sealed_before = sealed_for(&ring(&[1]), &owner);
    let rotated = ring(&[2, 1]);
    assert!(rotated.open::<PreparedHandle>(Purpose::Ticket, Some(&owner), &sealed_before).is_ok());

    let sealed_after = sealed_for(&rotated, &owner);
    assert!(ring(&[2]).open::<PreparedHandle>(Purpose::Ticket, Some(&owner), &sealed_after).is_ok());
    assert_eq!(
        refusal(&ring(&[1]), Purpose::Ticket, Some(&owner), &sealed_after),
        ErrorKind::PermissionDenied
    );
}

#[test]
fn without_configured_keys_no_other_process_can_open() {
    let owner = principal("analyst", "analyst");
    let sealed = sealed_for(&ring(&[]), &owner);
    assert_eq!(refusal(&ring(&[]), Purpose::Ticket, Some(&owner), &sealed), ErrorKind::PermissionDenied);
}

#[test]
fn a_key_of_another_length_or_alphabet_is_refused_without_being_printed() {
    for text in ["canary-key!", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), ""] {
        let error = Sealer::new(&[Secret::new(text.to_owned())]).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(text.is_empty() || !(error.public_text() + error.internal_text()).contains(text));
    }
}

fn from_file(text: &str) -> Result<KeyRing, Error> {
    KeyRing::from_file(&[Content::new(text.as_bytes().to_vec())])
}

#[test]
fn a_file_holds_a_key_per_line_and_the_first_one_seals() {
    let text = format!("# of 2026\n{}\n\n  {}  \r\n", key(2).expose(), key(1).expose());
    let (old, owner) = (ring(&[1]), principal("analyst", "analyst"));
    let rotated = Sealer { ring: Followed::fixed(from_file(&text).unwrap()) };
    let before = sealed_for(&old, &owner);
    assert!(rotated.open::<PreparedHandle>(Purpose::Ticket, Some(&owner), &before).is_ok());
    let after = sealed_for(&rotated, &owner);
    assert_eq!(refusal(&old, Purpose::Ticket, Some(&owner), &after), ErrorKind::PermissionDenied);
    assert!(ring(&[2]).open::<PreparedHandle>(Purpose::Ticket, Some(&owner), &after).is_ok());
}

#[test]
fn a_file_without_keys_or_with_a_malformed_one_is_refused_without_being_printed() {
    for text in ["", "# nothing\n", "canary-key!", &format!("{}\ncanary-key!", key(1).expose())] {
        let error = from_file(text).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(!(error.public_text() + error.internal_text()).contains("canary"));
    }
}
