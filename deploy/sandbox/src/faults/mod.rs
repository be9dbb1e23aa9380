//! Faults on demand: which requests go wrong, how, and how often.
//!
//! A fault names a service, and may name an operation, a principal and a prefix of keys; a request is struck by the first
//! fault, in the order in which they were set, that names it and has not had its turns. Faults are found before signatures
//! are checked, so that a request is struck whatever would have become of it; they are counted, so that a test can tell
//! that what it broke was really used.

mod answer;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use answer::refusal;

use crate::protocol::Service;

/// The longest time that an answer is held back, in milliseconds.
const LONGEST_LATENCY: u64 = 600_000;

/// The most faults that are kept; a test that sets more has forgotten to clear them.
const MOST_FAULTS: usize = 1000;

/// The longest name or prefix of a fault, in bytes; S3 keys have no more.
const LONGEST_NAME: usize = 1024;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Too many requests, in the words of the service.
    Throttle,
    /// A defect of the service: status 500.
    InternalError,
    /// The service is overloaded: status 503.
    Unavailable,
    /// The right answer, after [`Fault::milliseconds`].
    Latency,
    /// The head of the right answer with its full length, and the first half of its body; then the connection ends.
    Truncate,
    /// The connection is reset (TCP RST) in place of an answer.
    Reset,
    /// The session or vended key that signed the request is over from now on, for all services; keys made later are not.
    Expire,
    /// The signer may not do this: access denied, in the words of the service.
    Revoke,
}

/// A service that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultService {
    /// Security Token Service.
    Sts,
    /// Glue Data Catalog.
    Glue,
    /// Lake Formation.
    LakeFormation,
    /// S3.
    S3,
}

/// A fault, and which requests it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Where.
    pub service: FaultService,
    /// The name of an action, such as `GetTables`. For S3 also `list`, `get` and `head`, whatever the version of the
    /// operation. Absent: all of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// ARN or name of the role that signs or, for `AssumeRole`, is assumed. Keys vended for a table count as its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// S3 only: how the object's key, or the prefix of a listing, begins, without the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_prefix: Option<String>,
    /// How many requests pass before the first one that is struck.
    #[serde(default)]
    pub after: u64,
    /// How many are struck. Absent: all, until the fault is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How long an answer is held back; for [`FaultKind::Latency`], and for nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

impl Fault {
    /// A fault of all requests to a service, until it is cleared.
    #[must_use]
    pub fn new(kind: FaultKind, service: FaultService) -> Self {
        Self {
            kind,
            service,
            operation: None,
            principal: None,
            key_prefix: None,
            after: 0,
            times: None,
            milliseconds: None,
        }
    }

    /// Why this fault cannot be set, if it cannot.
    fn problem(&self) -> Option<&'static str> {
        let is_name = |text: &String| (1..=LONGEST_NAME).contains(&text.len());
        let names = [&self.operation, &self.principal, &self.key_prefix];
        if !names.into_iter().flatten().all(is_name) {
            return Some("operation, principal and key_prefix have 1 to 1024 bytes");
        }
        if self.key_prefix.is_some() && self.service != FaultService::S3 {
            return Some("only requests to S3 have keys");
        }
        match (self.kind, self.milliseconds) {
            (FaultKind::Latency, Some(1..=LONGEST_LATENCY)) => None,
            (FaultKind::Latency, _) => Some("latency needs milliseconds, 1 to 600000"),
            (_, Some(_)) => Some("milliseconds go with latency only"),
            (_, None) => None,
        }
    }

    fn names(&self, asked: &Asked<'_>) -> bool {
        let is_principal = |wanted: &String| {
            let named = |arn: &String| arn == wanted || arn.rsplit('/').next() == Some(wanted);
            asked.principals.iter().any(named)
        };
        self.service.is(asked.service)
            && self.operation.as_deref().is_none_or(|wanted| is_operation(wanted, asked.operation))
            && self.principal.as_ref().is_none_or(is_principal)
            && self.key_prefix.as_deref().is_none_or(|prefix| asked.key.starts_with(prefix))
    }
}

impl FaultService {
    fn is(self, service: Service) -> bool {
        match self {
            Self::Sts => service == Service::Sts,
            Self::Glue => service == Service::Glue,
            Self::LakeFormation => service == Service::LakeFormation,
            Self::S3 => service == Service::S3,
        }
    }
}

fn is_operation(wanted: &str, asked: &str) -> bool {
    match wanted {
        "list" => matches!(asked, "ListObjects" | "ListObjectsV2"),
        "get" => asked == "GetObject",
        "head" => asked == "HeadObject",
        action => action == asked,
    }
}

/// A request as faults look at it.
pub(crate) struct Asked<'a> {
    pub(crate) service: Service,
    pub(crate) operation: &'a str,
    /// ARNs of the signer and of the role that is to be assumed.
    pub(crate) principals: Vec<String>,
    /// An object's key or a listing's prefix.
    pub(crate) key: &'a str,
}

/// What a struck request is in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) kind: FaultKind,
    /// For latency.
    pub(crate) delay: Duration,
}

/// A fault that was set, and what it has done.
#[derive(Debug, Clone, Serialize)]
pub struct SetFault {
    /// Its number.
    pub id: u64,
    /// What was set.
    #[serde(flatten)]
    pub fault: Fault,
    /// Requests that it named, those that were let pass included.
    pub seen: u64,
    /// Requests that it struck.
    pub hits: u64,
}

impl SetFault {
    fn has_turns(&self) -> bool {
        self.fault.times.is_none_or(|times| self.hits < times)
    }
}

/// The faults of the account.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    last_id: u64,
    faults: Vec<SetFault>,
}

impl Faults {
    /// Sets a fault and gives its number.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn set(&self, fault: Fault) -> Result<u64, &'static str> {
        if let Some(problem) = fault.problem() {
            return Err(problem);
        }
        let mut kept = self.kept();
        if kept.faults.len() >= MOST_FAULTS {
            return Err("there are 1000 faults; clear them");
        }
        kept.last_id += 1;
        let id = kept.last_id;
        kept.faults.push(SetFault { id, fault, seen: 0, hits: 0 });
        Ok(id)
    }

    /// The faults that were set, also those that have had their turns.
    pub(crate) fn list(&self) -> Vec<SetFault> {
        self.kept().faults.clone()
    }

    /// Forgets all faults, or one. Gives how many those were.
    pub(crate) fn clear(&self, only: Option<u64>) -> usize {
        let mut kept = self.kept();
        let before = kept.faults.len();
        kept.faults.retain(|set| only.is_some_and(|id| id != set.id));
        before - kept.faults.len()
    }

    pub(crate) fn are_none(&self) -> bool {
        self.kept().faults.is_empty()
    }

    /// What a request is in for, if a fault strikes it.
    pub(crate) fn strike(&self, asked: &Asked<'_>) -> Option<Strike> {
        let mut kept = self.kept();
        for set in kept.faults.iter_mut().filter(|set| set.has_turns() && set.fault.names(asked)) {
            set.seen += 1;
            if set.seen > set.fault.after {
                set.hits += 1;
                let delay = Duration::from_millis(set.fault.milliseconds.unwrap_or_default());
                return Some(Strike { kind: set.fault.kind, delay });
            }
        }
        None
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn asked<'a>(operation: &'a str, principal: &str, key: &'a str) -> Asked<'a> {
        Asked { service: Service::S3, operation, principals: vec![principal.to_owned()], key }
    }

    fn get(key: &str) -> Asked<'_> {
        asked("GetObject", "arn:aws:iam::1:role/lakegate/analyst", key)
    }

    #[test]
    fn a_fault_lets_some_pass_strikes_as_often_as_it_was_told_and_no_more() {
        let faults = Faults::default();
        let fault = Fault { after: 1, times: Some(2), ..Fault::new(FaultKind::Throttle, FaultService::S3) };
        faults.set(fault).unwrap();
        let struck: Vec<bool> = (0..5).map(|_| faults.strike(&get("k")).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!((faults.list()[0].seen, faults.list()[0].hits), (3, 2));
    }

    #[test]
    fn a_fault_strikes_what_it_names_and_nothing_else() {
        let faults = Faults::default();
        let fault = Fault {
            operation: Some("get".to_owned()),
            principal: Some("analyst".to_owned()),
            key_prefix: Some("sales/".to_owned()),
            ..Fault::new(FaultKind::Reset, FaultService::S3)
        };
        faults.set(fault).unwrap();
        assert!(faults.strike(&get("sales/x")).is_some());
        assert!(faults.strike(&get("sales2/x")).is_none());
        assert!(faults.strike(&asked("HeadObject", "arn:aws:iam::1:role/analyst", "sales/x")).is_none());
        assert!(faults.strike(&asked("GetObject", "arn:aws:iam::1:role/admin", "sales/x")).is_none());
        assert!(faults.strike(&Asked { service: Service::Glue, ..get("sales/x") }).is_none());
    }

    #[test]
    fn the_first_fault_that_has_turns_left_strikes() {
        let faults = Faults::default();
        faults.set(Fault { times: Some(1), ..Fault::new(FaultKind::Reset, FaultService::S3) }).unwrap();
        let second = faults.set(Fault::new(FaultKind::Revoke, FaultService::S3)).unwrap();
        let kinds: Vec<FaultKind> = (0..3).map(|_| faults.strike(&get("k")).unwrap().kind).collect();
        assert_eq!(kinds, [FaultKind::Reset, FaultKind::Revoke, FaultKind::Revoke]);
        assert_eq!(faults.clear(Some(second)), 1);
        assert!(faults.strike(&get("k")).is_none());
        assert_eq!(faults.clear(None), 1);
    }

    #[test]
    fn a_fault_that_makes_no_sense_is_refused() {
        let plain = || Fault::new(FaultKind::Throttle, FaultService::Glue);
        let wrong = [
            Fault { milliseconds: Some(1), ..plain() },
            Fault { kind: FaultKind::Latency, ..plain() },
            Fault { key_prefix: Some("k".to_owned()), ..plain() },
            Fault { operation: Some(String::new()), ..plain() },
        ];
        for fault in wrong {
            assert!(Faults::default().set(fault.clone()).is_err(), "{fault:?}");
        }
    }
}
