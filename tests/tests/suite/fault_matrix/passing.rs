//! What passes while a call is tried again is not seen by the client.

use lakegate_sandbox::Fault;

use super::cells::{Break, TARGETS, Target};
use super::stage::{FORGETFUL, SMALL, assert_well, hits, lake, lengthen_log, pace, scan};
use super::stage::{LARGE_ROWS, NEARLY_OVER};
use crate::raw::Raw;
use crate::support::run;

/// Three attempts, so that the first one may be lost.
const SHORT_CALLS: (&str, &str) = ("LAKEGATE__AWS__CALL_TIMEOUT", "3s");

#[test]
fn a_fault_that_is_gone_at_the_next_attempt_is_not_seen_by_the_client() {
    run(async {
        let lake = lake(&[&FORGETFUL[..], &[SHORT_CALLS]].concat()).await;
        lake.sandbox.set_clock(NEARLY_OVER).unwrap();
        let mut analyst = Raw::login(&lake.server, "analyst").await;
        let mut commits = 2;
        let mut wrong = Vec::new();
        for target in TARGETS {
            for broken in [Break::Throttle, Break::InternalError, Break::Slow, Break::Reset, Break::Truncate]
            {
                if target == Target::S3Get {
                    lengthen_log(&lake, SMALL, commits).await;
                    commits += 1;
                }
                let keys = format!("brought/{SMALL}/");
                let once = Fault { times: Some(1), ..target.fault(broken, &keys) };
                lake.sandbox.set_fault(once).unwrap();
                let answered = analyst.rows(&format!("select n from brought.{SMALL}")).await;
                let struck = hits(&lake);
                lake.sandbox.clear_faults();
                match answered {
                    Ok(_) if struck == 1 => {}
                    Ok(_) => wrong.push(format!("{target:?} × {broken:?}: was not met")),
                    Err(status) => wrong.push(format!("{target:?} × {broken:?}: {status}")),
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_well(&mut analyst, &lake.server, "all faults").await;
    });
}

#[test]
fn keys_and_sessions_that_end_during_a_scan_are_renewed_and_no_row_is_missing() {
    run(async {
        let lake = lake(&[&FORGETFUL[..], &[("LAKEGATE__ENGINE__THREADS", "1")]].concat()).await;
        lake.sandbox.set_clock(NEARLY_OVER).unwrap();
        let mut analyst = Raw::login(&lake.server, "analyst").await;
        pace(&lake);
        let mut at_first = 0;
        let vended = || count(&lake, "lakeformation:GetTemporaryGlueTableCredentials");
        let assumed = || count(&lake, "sts:AssumeRole");
        let mut assumed_at_first = 0;
        let rows = scan(&mut analyst, &lake.server, || {
            at_first = vended();
            assumed_at_first = assumed();
        })
        .await;
        assert_eq!(rows.unwrap(), LARGE_ROWS);
        assert!(
            vended() > at_first && assumed() > assumed_at_first,
            "nothing was renewed after the first rows"
        );
    });
}

fn count(lake: &crate::delta::lake::Lake, operation: &str) -> u64 {
    lake.sandbox.counters().get(operation).copied().unwrap_or_default()
}
