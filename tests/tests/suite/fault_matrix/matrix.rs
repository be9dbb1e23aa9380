//! The matrix itself: every cell on one account, against a server that tries each call once.

use lakegate_sandbox::Fault;
use lakegate_tests::stack::Server;
use tonic::{Code, Status};

use super::cells::{BREAKS, Break, Demand, MOMENTS, Moment, TARGETS, Target, demand};
use super::stage::{
    FORGETFUL, LARGE, LARGE_ROWS, NEARLY_OVER, SMALL, assert_well, held, hits, lake, lengthen_log, pace,
    rows, scan,
};
use crate::delta::lake::Lake;
use crate::raw::Raw;
use crate::support::{run, start_server};

/// Memory that may stay with the server after all cells: what its allocator and its caches keep.
const KEPT_BYTES: u64 = 96 << 20;

/// Files and sockets that may stay open: pools of connections to AWS.
const KEPT_FILES: usize = 64;

/// One attempt per call: what passes within several has a test of its own.
const ONE_ATTEMPT: (&str, &str) = ("LAKEGATE__AWS__MAX_ATTEMPTS", "1");

/// A scan reads one file after the other.
const ONE_THREAD: (&str, &str) = ("LAKEGATE__ENGINE__THREADS", "1");

/// One server is patient, one is not: only the second one waits for a service that is too slow, and only the first one can
/// be relied upon on a busy machine.
struct Servers {
    lake: Lake,
    hasty: Server,
    commits: u64,
}

impl Servers {
    async fn start() -> Self {
        let settings = [&FORGETFUL[..], &[ONE_ATTEMPT, ONE_THREAD]].concat();
        let lake = lake(&settings).await;
        lake.sandbox.set_clock(NEARLY_OVER).unwrap();
        let hasty = [&settings[..], &[("LAKEGATE__AWS__CALL_TIMEOUT", "1s")]].concat();
        let hasty = start_server(&lake.sandbox, &hasty).await;
        Self { lake, hasty, commits: 2 }
    }

    fn of(&self, broken: Break) -> &Server {
        if broken == Break::Slow { &self.hasty } else { &self.lake.server }
    }

    /// What a statement answers when something breaks at some moment of it, and how often that was met.
    async fn outcome(
        &mut self,
        client: &mut Raw,
        (target, broken, moment): (Target, Break, Moment),
    ) -> (Result<usize, Status>, u64) {
        let log = |table: &str| format!("brought/{table}/_delta_log/");
        let small = format!("select n from brought.{SMALL}");
        let break_it = |keys: &str| {
            self.lake.sandbox.clear_faults();
            self.lake.sandbox.set_fault(target.fault(broken, keys)).unwrap();
        };
        let outcome = match moment {
            Moment::Planning => {
                if target == Target::S3Get {
                    lengthen_log(&self.lake, SMALL, self.commits).await;
                    self.commits += 1;
                }
                break_it(&log(SMALL));
                client.info(&small).await.map(|_| 0)
            }
            Moment::FirstBatch => {
                // Of a table of many files not all can be kept, whatever a cache does with small ones.
                let (table, keys) = match target {
                    Target::S3Get => (LARGE, format!("brought/{LARGE}/part")),
                    _ => (SMALL, log(SMALL)),
                };
                let info = client.info(&format!("select n, t from brought.{table}")).await.unwrap();
                break_it(&keys);
                rows(client, &info).await
            }
            Moment::MidScan | Moment::Renewal => {
                pace(&self.lake);
                let server = self.of(broken);
                scan(client, server, || break_it(&format!("brought/{LARGE}/part"))).await
            }
        };
        let hits = hits(&self.lake);
        self.lake.sandbox.clear_faults();
        (outcome, hits)
    }
}

#[test]
fn whatever_breaks_in_aws_at_whatever_moment_is_one_right_error_and_the_next_statement_is_served() {
    run(async {
        let mut servers = Servers::start().await;
        let mut patient = Raw::login(&servers.lake.server, "analyst").await;
        let mut hasty = Raw::login(&servers.hasty, "analyst").await;
        // Warm, so that what is kept for good does not look like what was left behind.
        for (client, server) in [(&mut patient, &servers.lake.server), (&mut hasty, &servers.hasty)] {
            pace(&servers.lake);
            assert_eq!(scan(client, server, || {}).await.unwrap(), LARGE_ROWS);
            servers.lake.sandbox.clear_faults();
            assert_well(client, server, "the first scan").await;
        }
        let before = [held(&servers.lake.server), held(&servers.hasty)];
        let mut wrong = Vec::new();
        for target in TARGETS {
            for (broken, moment) in
                BREAKS.into_iter().flat_map(|broken| MOMENTS.map(|moment| (broken, moment)))
            {
                let demand = demand(target, broken, moment);
                if matches!(demand, Demand::Impossible(_)) {
                    continue;
                }
                let cell = format!("{target:?} × {broken:?} × {moment:?}");
                let client = if broken == Break::Slow { &mut hasty } else { &mut patient };
                let (outcome, hits) = servers.outcome(client, (target, broken, moment)).await;
                if hits == 0 {
                    wrong.push(format!("{cell}: was not met"));
                } else if !demand.is_met(&outcome, LARGE_ROWS) {
                    wrong.push(format!("{cell}: {outcome:?}, expected {demand:?}"));
                }
                assert_well(client, servers.of(broken), &cell).await;
            }
        }
        assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
        for (server, (memory, files)) in [&servers.lake.server, &servers.hasty].into_iter().zip(before) {
            let (memory_now, files_now) = held(server);
            assert!(memory_now <= memory + KEPT_BYTES, "memory went from {memory} to {memory_now} bytes");
            assert!(files_now <= files + KEPT_FILES, "open files went from {files} to {files_now}");
        }
    });
}

/// The session is asked for before each call and again when the call is signed; here each of these is the first to fail.
#[test]
fn whichever_request_for_a_session_is_throttled_first_the_error_is_the_same() {
    run(async {
        let lake = lake(&[&FORGETFUL[..], &[ONE_ATTEMPT]].concat()).await;
        lake.sandbox.set_clock(NEARLY_OVER).unwrap();
        let mut client = Raw::login(&lake.server, "analyst").await;
        for after in 0..6 {
            let fault = Fault { after, ..Target::Sts.fault(Break::Throttle, "") };
            lake.sandbox.set_fault(fault).unwrap();
            let outcome = client.rows(&format!("select n from brought.{SMALL}")).await;
            assert!(hits(&lake) > 0, "there are no {after} requests before one more");
            lake.sandbox.clear_faults();
            let status = outcome.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable, "after {after}: {status}");
            assert_well(&mut client, &lake.server, &format!("{after} sessions and no more")).await;
        }
    });
}

#[test]
fn every_cell_that_is_left_out_says_why_and_most_are_not() {
    let mut told = Vec::new();
    for target in TARGETS {
        for (broken, moment) in BREAKS.into_iter().flat_map(|broken| MOMENTS.map(|moment| (broken, moment))) {
            if let Demand::Impossible(reason) = demand(target, broken, moment) {
                assert!(!reason.is_empty());
                told.push((target, broken, moment));
            }
        }
    }
    let all = TARGETS.len() * BREAKS.len() * MOMENTS.len();
    assert_eq!(all - told.len(), 91, "left out: {told:?}");
}
