//! Logins and tokens end to end, without a network.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::iter;

use super::*;

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

struct Config {
    user: &'static str,
    password: &'static str,
    role: &'static str,
    token_ttl: &'static str,
}

const ANALYST: Config =
    Config { user: "analyst", password: "correct horse", role: "analyst", token_ttl: "12h" };

fn identity(config: &Config) -> Identity {
    let hash = hash_password(&secret(config.password)).unwrap();
    let text = format!(
        "[identity]\nsealing_keys = [\"{KEY}\"]\ntoken_ttl = \"{}\"\n\
         [users.{}]\npassword_hash = \"{hash}\"\nrole_arn = \"arn:aws:iam::123456789012:role/lakegate/{}\"\n",
        config.token_ttl, config.user, config.role
    );
    Identity::new(&Settings::from_toml(&text, iter::empty()).unwrap()).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn token_of(identity: &Identity, config: &Config) -> Secret {
    identity.login(None, config.user, &secret(config.password)).await.unwrap().token
}

#[tokio::test]
async fn a_login_gives_the_configured_role_and_a_token_that_stands_for_it() {
    let identity = identity(&ANALYST);
    let login = identity.login(None, "analyst", &secret("correct horse")).await.unwrap();
    assert_eq!(login.principal.user(), "analyst");
    assert_eq!(login.principal.role().as_str(), "arn:aws:iam::123456789012:role/lakegate/analyst");
    assert_eq!(identity.verify(login.token.expose()).unwrap(), login.principal);
}

#[tokio::test]
async fn every_wrong_login_has_the_same_answer() {
    let identity = identity(&ANALYST);
    for (user, password) in [
        ("analyst", "wrong"),
        ("analyst", ""),
        ("", "correct horse"),
        ("", ""),
        ("Analyst", "correct horse"),
        ("nobody", "correct horse"),
        ("nobody", "decoy"),
    ] {
        let error = identity.login(None, user, &secret(password)).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{user:?}");
        assert_eq!(error.public_text(), "user name or password is wrong");
        assert!(error.internal_text().is_empty());
    }
}

#[tokio::test]
async fn a_token_survives_a_restart_and_serves_another_replica_with_the_same_keys() {
    let token = token_of(&identity(&ANALYST), &ANALYST).await;
    assert_eq!(identity(&ANALYST).verify(token.expose()).unwrap().user(), "analyst");
}

#[tokio::test]
async fn a_token_ends_when_its_user_is_removed_or_gets_another_role() {
    let token = token_of(&identity(&ANALYST), &ANALYST).await;
    for changed in [Config { role: "support", ..ANALYST }, Config { user: "support", ..ANALYST }] {
        let error = identity(&changed).verify(token.expose()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    }
}

#[tokio::test]
async fn a_token_past_its_lifetime_asks_for_a_new_login() {
    let short = Config { token_ttl: "1s", ..ANALYST };
    let identity = identity(&short);
    let user = identity.users.find("analyst").unwrap();
    let expired = token::issue(&identity.sealer, user, Duration::ZERO).unwrap();
    let error = identity.verify(expired.expose()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.public_text(), "the token has expired: log in again");
}

#[tokio::test]
async fn text_that_is_no_token_of_this_server_is_refused() {
    let identity = identity(&ANALYST);
    let token = token_of(&identity, &ANALYST).await;
    let damaged = token.expose().replace(|letter: char| letter.is_ascii_lowercase(), "A");
    let doubled = token.expose().repeat(2);
    let long = "A".repeat(1_000_000);
    for text in ["", "Bearer", "öäü", damaged.as_str(), doubled.as_str(), long.as_str()] {
        assert_eq!(identity.verify(text).unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
}

#[tokio::test]
async fn a_ticket_is_not_a_token() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use lakegate_proto::v1::SealedToken;

    let identity = identity(&ANALYST);
    let body = SealedToken { user: "analyst".to_owned(), ..SealedToken::default() };
    let ticket = identity.sealer().seal(Purpose::Ticket, None, Duration::from_secs(60), &body).unwrap();
    let error = identity.verify(&URL_SAFE_NO_PAD.encode(ticket)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[test]
fn a_principal_prints_its_user_and_role_and_nothing_else() {
    let role = crate::ids::RoleArn::parse("arn:aws:iam::123456789012:role/lakegate/analyst").unwrap();
    let printed = format!("{:?}", Principal::for_test("analyst", role));
    assert_eq!(printed, "analyst as arn:aws:iam::123456789012:role/lakegate/analyst");
}
