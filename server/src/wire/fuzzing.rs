//! Fuzz target of what the server seals: tickets, handles and tokens.
//!
//! ```text
//! owner's user and role ⏎ other's user and role ⏎ what is sealed, what is presented, and how a genuine one is damaged
//! ```
//!
//! The key is in this file, but nothing that is presented was made with it: whatever opens was forged.

mod parameters;

use std::sync::LazyLock;
use std::time::Duration;

use arrow::datatypes::Schema;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakegate_proto::v1::SealedToken;

pub(crate) use self::parameters::parameters;

use super::commands::{Question, question};
use super::handles::{PlannedAs, open_prepared, open_ticket, seal_prepared, seal_ticket};
use crate::context::RequestContext;
use crate::error::{Error, ErrorKind};
use crate::identity::{Identity, Principal, Purpose, Sealer};
use crate::ids::RoleArn;
use crate::pipeline::{PlanningTime, QueryRequest};
use crate::settings::Settings;
use crate::sql::{Moment, SessionOptions, Source};

const LIFETIME: Duration = Duration::from_secs(3600);

const USER: &str = "analyst";
const ROLE: &str = "arn:aws:iam::123456789012:role/lakegate/analyst";

/// One user, whose password is not known to anyone.
const CONFIGURATION: &str = r#"
[identity]
sealing_keys = ["AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="]

[users.analyst]
password_hash = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$nOmFXAVhWNNpJHFaUFUsAsaAmWwbjsPmDzYaPNtQp1M"
role_arn = "arn:aws:iam::123456789012:role/lakegate/analyst"
"#;

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let settings = Settings::from_toml(CONFIGURATION, std::iter::empty());
    match settings.map(|settings| Identity::new(&settings)) {
        Ok(Ok(identity)) => identity,
        _ => unreachable!("the configuration is sound"),
    }
});

/// See the file's head.
pub(crate) fn ticket(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let owner = principal(lines.next().unwrap_or_default());
    let other = principal(lines.next().unwrap_or_default());
    let rest = lines.next().unwrap_or_default();

    for presented in [data, rest] {
        check_stranger(&owner, presented);
    }
    let request = QueryRequest {
        source: match rest.len() % 3 {
            1 => Source::Substrait(rest.to_vec().into()),
            _ => Source::Sql(String::from_utf8_lossy(rest).into_owned()),
        },
        parameters: None,
        options: SessionOptions {
            as_of: (rest.len() % 2 == 1).then_some(Moment::Version(rest.len() as u64)),
            ..SessionOptions::default()
        },
        part: None,
    };
    check_ticket(&owner, &other, &request, rest);
    check_handle(&owner, &other, &request, rest);
    check_token(rest);
}

fn sealer() -> &'static Sealer {
    IDENTITY.sealer()
}

/// `user role`; what is missing or cannot be is filled in.
fn principal(line: &[u8]) -> Principal {
    let line = String::from_utf8_lossy(line);
    let (user, role) = line.split_once(' ').unwrap_or((&line, "analyst"));
    let role =
        RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{role}")).or_else(|| RoleArn::parse(ROLE));
    let Some(role) = role else { unreachable!("the role is sound") };
    Principal::for_test(user, role)
}

/// Bytes that nobody sealed open nothing, in whatever way they come.
fn check_stranger(principal: &Principal, presented: &[u8]) {
    refused_ticket(principal, presented);
    refused_handle(principal, presented);
    match question(presented) {
        Ok(Question::Ticket(sealed)) => refused_ticket(principal, &sealed),
        Ok(Question::Prepared(sealed) | Question::PreparedUpdate(sealed)) => {
            refused_handle(principal, &sealed)
        }
        Ok(Question::Statement(_) | Question::Update(_) | Question::Metadata(_)) | Err(_) => {}
    }
    refused_token(&String::from_utf8_lossy(presented));
    refused_token(&URL_SAFE_NO_PAD.encode(presented));
}

fn check_ticket(owner: &Principal, other: &Principal, request: &QueryRequest, rest: &[u8]) {
    let schema = Schema::empty();
    let context = RequestContext::begin(None, "fuzz", None);
    let planned_as = PlannedAs { query_id: context.query_id, time: PlanningTime::default() };
    let ticket = must(seal_ticket(sealer(), owner, LIFETIME, planned_as, request, &schema));
    let Ok(Question::Ticket(sealed)) = question(&ticket.ticket) else {
        unreachable!("a ticket is recognised as a ticket")
    };
    let opened = must(open_ticket(sealer(), owner, &sealed));
    assert_same(&opened.request, request);
    assert!(opened.check_schema(&schema).is_ok(), "the announced schema is kept");
    if owner != other {
        refused_ticket(other, &sealed);
    }
    refused_handle(owner, &sealed);
    refused_token(&URL_SAFE_NO_PAD.encode(&sealed));
    for damaged in damaged(&sealed, rest) {
        refused_ticket(owner, &damaged);
    }
}

fn check_handle(owner: &Principal, other: &Principal, request: &QueryRequest, rest: &[u8]) {
    let sealed = must(seal_prepared(sealer(), owner, LIFETIME, request));
    assert_same(&must(open_prepared(sealer(), owner, &sealed)), request);
    if owner != other {
        refused_handle(other, &sealed);
    }
    refused_ticket(owner, &sealed);
    for damaged in damaged(&sealed, rest) {
        refused_handle(owner, &damaged);
    }
}

/// A token is taken for its user in its role of today, for nobody else, and not with another character.
fn check_token(rest: &[u8]) {
    let text = String::from_utf8_lossy(rest);
    let (user, role_arn) = text.split_once(' ').unwrap_or((&text, ROLE));
    let body =
        SealedToken { user: user.to_owned(), role_arn: role_arn.to_owned(), session_id: String::new() };
    let sealed = must(sealer().seal(Purpose::Token, None, LIFETIME, &body));
    let verified = IDENTITY.verify(&URL_SAFE_NO_PAD.encode(&sealed));
    match (verified, user == USER && role_arn == ROLE) {
        (Ok(principal), true) => assert!(principal.user() == USER && principal.role().as_str() == ROLE),
        (Err(error), false) => assert_eq!(error.kind(), ErrorKind::Unauthenticated),
        (Err(_), true) => unreachable!("the user's own token is refused"),
        (Ok(_), false) => unreachable!("a token of nobody is taken"),
    }
    let genuine = SealedToken { user: USER.to_owned(), role_arn: ROLE.to_owned(), session_id: String::new() };
    let sealed = must(sealer().seal(Purpose::Token, None, LIFETIME, &genuine));
    let token = URL_SAFE_NO_PAD.encode(&sealed);
    for damaged in damaged(&sealed, rest) {
        refused_token(&URL_SAFE_NO_PAD.encode(damaged));
    }
    for damaged in damaged(token.as_bytes(), rest) {
        refused_token(&String::from_utf8_lossy(&damaged));
    }
}

/// A genuine value with one bit flipped, with bytes changed, cut short, lengthened, and with only its head kept.
fn damaged(genuine: &[u8], by: &[u8]) -> Vec<Vec<u8>> {
    /// Version, key id and nonce: what is sent in the clear.
    const HEAD: usize = 29;

    let place = by.iter().fold(by.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let mut flipped = genuine.to_vec();
    flipped[place / 8 % genuine.len()] ^= 1 << (place % 8);
    let mut all = vec![flipped, genuine[..place % genuine.len()].to_vec()];
    if by.iter().take(genuine.len()).any(|byte| *byte != 0) {
        let mask = by.iter().copied().chain(std::iter::repeat(0));
        all.push(genuine.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect());
    }
    if !by.is_empty() {
        all.push([genuine, by].concat());
        all.push([by, genuine].concat());
    }
    let replaced = [&genuine[..HEAD.min(genuine.len())], by].concat();
    if replaced != genuine {
        all.push(replaced);
    }
    all
}

/// Not [`ErrorKind::Expired`] either: that would mean that the seal was found whole.
fn refused_ticket(principal: &Principal, presented: &[u8]) {
    match open_ticket(sealer(), principal, presented) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
        Ok(opened) => unreachable!("a ticket was forged: {}", opened.request.source.text()),
    }
}

fn refused_handle(principal: &Principal, presented: &[u8]) {
    match open_prepared(sealer(), principal, presented) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied),
        Ok(request) => unreachable!("a handle was forged: {}", request.source.text()),
    }
}

fn refused_token(presented: &str) {
    match IDENTITY.verify(presented) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unauthenticated),
        Ok(principal) => unreachable!("a token was forged: {principal:?}"),
    }
}

fn assert_same(opened: &QueryRequest, sealed: &QueryRequest) {
    assert_eq!(opened.source, sealed.source);
    assert!(opened.options == sealed.options, "other options");
    assert!(opened.parameters.is_none(), "parameters from nowhere");
}

fn must<T>(answer: Result<T, Error>) -> T {
    match answer {
        Ok(value) => value,
        Err(error) => unreachable!("what was sealed opens for its owner: {}", error.internal_text()),
    }
}
