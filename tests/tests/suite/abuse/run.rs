//! Cases one after the other, and what is looked at during and after each.

use std::time::Duration;

use futures::future::{Either, select};
use tokio::time::timeout;

use super::bounded::{Bounded, MOST_RESIDENT};
use super::cases::Case;
use super::neighbour::Neighbour;
use super::send::{Outcome, send};

/// What a call may take before it counts as hung: many times the deadline of a statement.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited for what must come soon, and how often it is looked for.
const SOON: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Gauges that are zero where nothing is going on.
const GAUGES: [&str; 3] =
    ["lakegate_running_statements", "lakegate_waiting_statements", "lakegate_open_streams"];

/// Cases are run whose name contains it: each one if it is set and empty, as `make abuse` does.
const VARIABLE: &str = "LAKEGATE_ABUSE_CASE";

/// Where it is not set, one of so many is run. Neighbours in a table are siblings.
const SHARE: usize = 3;

/// Runs cases in front of one sandbox. Those that did harm are told together.
pub(super) async fn assert_harmless(aws: &str, cases: Vec<Case>) {
    let wanted = std::env::var_os(VARIABLE).map(|text| text.to_string_lossy().into_owned());
    let chosen = cases.iter().enumerate().filter(|(index, case)| match &wanted {
        Some(wanted) => case.name.contains(wanted),
        None => index % SHARE == 0,
    });
    let mut running: Option<(Bounded, Neighbour)> = None;
    let mut problems = Vec::new();
    for (_, case) in chosen {
        let (mut server, neighbour) = match running.take() {
            Some(running) => running,
            None => {
                let server = Bounded::start(aws).await;
                let neighbour = Neighbour::of(&server).await.unwrap();
                (server, neighbour)
            }
        };
        let found = harm(&mut server, &neighbour, case).await;
        println!("{} ({:?}): {}", case.name, case.who, if found.is_empty() { "harmless" } else { "HARM" });
        // A server that was harmed does not harm the next case.
        if found.is_empty() {
            running = Some((server, neighbour));
        }
        problems
            .extend(found.into_iter().map(|problem| format!("{} ({:?}): {problem}", case.name, case.who)));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What is wrong during and after one case.
async fn harm(server: &mut Bounded, neighbour: &Neighbour, case: &Case) -> Vec<String> {
    let mut problems = Vec::new();
    {
        let sent = Box::pin(timeout(PATIENCE, send(server, case)));
        let watched = Box::pin(neighbour.watch(server));
        let outcomes = match select(sent, watched).await {
            Either::Left((outcomes, _)) => outcomes,
            Either::Right((problem, sent)) => {
                problems.push(problem);
                sent.await
            }
        };
        match outcomes {
            Ok(outcomes) => problems.extend(wrong(&outcomes, case)),
            Err(_) => problems.push("it hangs".to_owned()),
        }
    }
    if !server.is_running() {
        let log = server.log();
        let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        problems.push(format!("the server ended: {last}"));
        return problems;
    }
    if problems.iter().any(|problem| problem.contains("hang")) {
        return problems;
    }
    problems.extend(left_behind(server).await);
    problems.extend(neighbour.look(server).await.err());
    match timeout(PATIENCE, server.connect("support", "support")).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => problems.push(format!("a new login fails: {error}")),
        Err(_) => problems.push("a new login hangs".to_owned()),
    }
    problems
}

/// The first answer that the case does not allow.
fn wrong(outcomes: &[Outcome], case: &Case) -> Option<String> {
    let found = outcomes.iter().find(|outcome| !case.allows(outcome))?;
    Some(format!("answered {found:?}, expected {:?}", case.answer))
}

/// What is still there when a case has been over for some time.
async fn left_behind(server: &Bounded) -> Option<String> {
    let mut left = String::new();
    let idle = async {
        loop {
            left = busy(server).await;
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    let is_idle = timeout(SOON, idle).await.is_ok();
    (!is_idle).then(|| format!("left behind: {left}"))
}

async fn busy(server: &Bounded) -> String {
    let Ok(Ok(page)) = timeout(SOON, server.admin("/metrics")).await else {
        return "no metrics".to_owned();
    };
    let value = |gauge: &str| page.lines().find_map(|line| line.strip_prefix(gauge)?.strip_prefix(' '));
    // The neighbour has left, so that nothing is going on.
    let gauges = GAUGES.map(|gauge| (gauge, value(gauge).unwrap_or("absent")));
    let mut left: Vec<String> = gauges
        .iter()
        .filter(|(_, value)| *value != "0")
        .map(|(gauge, value)| format!("{gauge} {value}"))
        .collect();
    let resident = server.resident();
    if resident > MOST_RESIDENT {
        left.push(format!("{} MB resident", resident / 1_000_000));
    }
    left.join(", ")
}
