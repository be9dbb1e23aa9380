//! Clocks that differ between this server and AWS.

use lakegate_sandbox::ClockOffsets;
use tonic::Code;

use super::stage::{FORGETFUL, SMALL, assert_well, lake};
use crate::raw::Raw;
use crate::support::run;

#[test]
fn five_minutes_between_the_clocks_of_server_and_aws_are_not_seen_by_anybody() {
    run(async {
        let lake = lake(&FORGETFUL).await;
        for (user, seconds) in [("analyst", 300), ("analyst", -300), ("analyst", 0)] {
            lake.sandbox.set_clock(ClockOffsets::skewed(seconds)).unwrap();
            let mut client = Raw::login(&lake.server, user).await;
            assert_well(&mut client, &lake.server, &format!("{seconds} seconds of skew")).await;
        }
    });
}

/// The session was made when AWS's clock was five minutes behind what it is now: AWS ends it earlier than it said.
#[test]
fn a_session_that_aws_ends_earlier_than_it_said_costs_one_statement_at_the_most() {
    run(async {
        let lake = lake(&FORGETFUL).await;
        let mut client = Raw::login(&lake.server, "analyst").await;
        assert_well(&mut client, &lake.server, "the login").await;
        lake.sandbox.set_clock(ClockOffsets::for_keys(3600)).unwrap();
        let statement = format!("select n from brought.{SMALL}");
        if let Err(status) = client.rows(&statement).await {
            assert_eq!(status.code(), Code::Unavailable, "{status}");
        }
        assert_well(&mut client, &lake.server, "the end of the session").await;
    });
}

#[test]
fn a_clock_too_far_off_for_any_signature_is_told_as_a_trouble_of_the_server_and_not_of_the_user() {
    run(async {
        let lake = lake(&FORGETFUL).await;
        let mut client = Raw::login(&lake.server, "analyst").await;
        lake.sandbox.set_clock(ClockOffsets::skewed(1200)).unwrap();
        let status = client.rows(&format!("select n from brought.{SMALL}")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        lake.sandbox.set_clock(ClockOffsets::default()).unwrap();
        assert_well(&mut client, &lake.server, "the clock was set").await;
    });
}
