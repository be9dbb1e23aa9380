//! Names and identifiers that every room shares, each its own type so that one cannot be passed for another.
//!
//! Invariants: a [`Secret`] is never printed (it has neither `Debug` nor `Display`) and is wiped when dropped;
//! a [`TableName`] is lower case, as the Glue Data Catalog stores it, so one table has one spelling in every
//! cache key and log line.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use uuid::Uuid;
use zeroize::Zeroizing;

/// Name of the only catalog this server shows; Athena and Glue give it the same name.
pub const CATALOG: &str = "awsdatacatalog";

/// Identifies one query in the log, the audit trail and towards AWS. Time-ordered, so logs sort by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryId(Uuid);

impl QueryId {
    /// A fresh identifier.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The identifier that a text shows, in the form in which it is printed.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::parse_str(text).ok().map(Self)
    }
}

impl Default for QueryId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl fmt::Debug for QueryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What one client has of the network: an address of IPv4, or the 64 bits of IPv6 that its provider gives it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PeerNetwork(IpAddr);

impl PeerNetwork {
    /// The network of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }
}

/// A database and a table of the Glue Data Catalog, both in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TableName {
    database: String,
    table: String,
}

impl TableName {
    /// Folds both parts to ASCII lower case. Other letters keep their case: Glue's folding of them is not
    /// documented, and folding look-alikes together would let one name stand for another table.
    pub fn new(database: &str, table: &str) -> Self {
        Self { database: database.to_ascii_lowercase(), table: table.to_ascii_lowercase() }
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The table's name without its database.
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.database, self.table)
    }
}

/// An IAM role ARN, for example `arn:aws:iam::123456789012:role/lakegate/analyst`.
///
/// The ARN is checked once, so that rooms which need its partition or account need no error path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RoleArn {
    text: String,
    partition_end: usize,
    account_start: usize,
}

/// Length of an AWS account id.
const ACCOUNT_DIGITS: usize = 12;

impl RoleArn {
    /// Reads an ARN of the form `arn:<partition>:iam::<12 digits>:role/<path and name>`.
    ///
    /// # Errors
    /// `None` for any other form: a typing error in the configuration must stop the start.
    pub fn parse(text: &str) -> Option<Self> {
        let after_arn = text.strip_prefix("arn:")?;
        let (partition, rest) = after_arn.split_once(':')?;
        let account_and_role = rest.strip_prefix("iam::")?;
        let (account, role) = account_and_role.split_once(':')?;
        let partition_is_sane = partition.starts_with("aws")
            && partition.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let account_is_sane =
            account.len() == ACCOUNT_DIGITS && account.bytes().all(|byte| byte.is_ascii_digit());
        let role_name = role.strip_prefix("role/")?;
        if !partition_is_sane || !account_is_sane || role_name.is_empty() {
            return None;
        }
        let partition_end = "arn:".len() + partition.len();
        Some(Self { text: text.to_owned(), partition_end, account_start: partition_end + ":iam::".len() })
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The AWS partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &str {
        &self.text["arn:".len()..self.partition_end]
    }

    /// The twelve digits of the account that owns the role.
    pub fn account(&self) -> &str {
        &self.text[self.account_start..self.account_start + ACCOUNT_DIGITS]
    }
}

/// A value that must never be printed: a password, a key, a token. Wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every call is a place to look at when asking where a secret may go.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// SHA-256 over everything that a grant lets its principal see of one table.
///
/// Part of each cache key and of the audit record: two principals, or one principal before and after a change
/// of policy, share a fingerprint only if they see exactly the same rows and columns.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PolicyFingerprint([u8; 32]);

impl PolicyFingerprint {
    /// Wraps a SHA-256 digest.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Display for PolicyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0[..8]))
    }
}

impl fmt::Debug for PolicyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_gives_its_partition_and_account() {
        let arn = RoleArn::parse("arn:aws-us-gov:iam::123456789012:role/lakegate/analyst");
        let parts = arn.as_ref().map(|arn| (arn.partition(), arn.account()));
        assert_eq!(parts, Some(("aws-us-gov", "123456789012")));
    }

    #[test]
    fn anything_but_a_role_arn_is_refused() {
        for text in [
            "",
            "arn:aws:iam::123456789012:user/analyst",
            "arn:aws:iam::12345:role/analyst",
            "arn:aws:iam::123456789012:role/",
            "arn:AWS:iam::123456789012:role/analyst",
            "arn:aws:sts::123456789012:assumed-role/analyst/session",
        ] {
            assert_eq!(RoleArn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_table_name_has_one_spelling() {
        assert_eq!(TableName::new("Sales", "NATION"), TableName::new("sales", "nation"));
        assert_ne!(TableName::new("sales", "İ"), TableName::new("sales", "i"));
    }
}
