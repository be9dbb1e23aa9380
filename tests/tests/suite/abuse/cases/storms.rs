//! Calls that are cheap one by one, many of them.

use super::Answer::{Either, Refused};
use super::Who::{NoGrant, RowFiltered, Writer};
use super::{Case, Sent, Who, listed};

/// Calls at a time: more than a user may have statements.
const AT_ONCE: usize = 24;

const PRODUCT: &str = "select a.l_comment from sales.lineitem a, sales.lineitem b";

fn case(name: &str, who: Who, sent: Sent) -> Case {
    Case { name: name.to_owned(), who, sent, answer: Either }
}

fn texts(count: usize, text: &str) -> Vec<String> {
    (0..count).map(|number| text.replace('#', &number.to_string())).collect()
}

pub(in super::super) fn cases() -> Vec<Case> {
    let unknown = (0..60).map(|number| {
        let tables = listed(60, &format!("a.t{number}_#"), ",");
        format!("select 1 from {tables}")
    });
    vec![
        case("statements that are left", Writer, Sent::Left { texts: texts(200, PRODUCT), at_once: AT_ONCE }),
        case(
            "statements without a table that are left",
            NoGrant,
            Sent::Left {
                texts: texts(
                    200,
                    "select sum(a * b) from unnest(range(0, 100000)) x(a), unnest(range(0, 100000 + #)) y(b)",
                ),
                at_once: AT_ONCE,
            },
        ),
        case(
            "filtered statements that are left",
            RowFiltered,
            Sent::Left {
                texts: texts(200, "select a.name from hr.employees a, hr.employees b"),
                at_once: AT_ONCE,
            },
        ),
        case(
            "plans that are left",
            NoGrant,
            Sent::Left {
                texts: texts(60, &format!("select # + {}", listed(300, "1", "+"))),
                at_once: AT_ONCE,
            },
        ),
        case(
            "SET after SET",
            NoGrant,
            Sent::Session { texts: texts(300, "set schema = s#"), at_once: AT_ONCE },
        ),
        case("USE after USE", NoGrant, Sent::Session { texts: texts(300, "use s#"), at_once: AT_ONCE }),
        case("RESET and SHOW", NoGrant, Sent::Session { texts: texts(300, "show schema"), at_once: AT_ONCE }),
        case(
            "SET of what is not",
            NoGrant,
            Sent::Session { texts: texts(100, "set nothing.of.this# = 'x'"), at_once: AT_ONCE },
        ),
        case(
            "small statements",
            NoGrant,
            Sent::Session { texts: texts(300, "select # as x"), at_once: AT_ONCE },
        ),
        case(
            "handles that are forgotten",
            Writer,
            Sent::Prepared {
                texts: texts(200, "select n_name from sales.nation where n_nationkey = #"),
                at_once: AT_ONCE,
            },
        ),
        case(
            "handles of large statements",
            NoGrant,
            Sent::Prepared {
                texts: texts(60, &format!("select '{}#'", "x".repeat(300_000))),
                at_once: AT_ONCE,
            },
        ),
        case(
            "handles of statements that fail",
            NoGrant,
            Sent::Prepared { texts: texts(200, "select nothing_# from nowhere"), at_once: AT_ONCE },
        ),
        case(
            "descriptions",
            Writer,
            Sent::Described {
                texts: texts(200, "select # as x, l_comment from sales.lineitem"),
                at_once: AT_ONCE,
            },
        ),
        case(
            "descriptions of joins",
            Writer,
            Sent::Described {
                texts: texts(
                    60,
                    &format!(
                        "select # as x from sales.nation n {}",
                        listed(12, "join sales.nation m# on n.n_nationkey = m#.n_nationkey", " ")
                    ),
                ),
                at_once: AT_ONCE,
            },
        ),
        case(
            "descriptions of filtered rows",
            RowFiltered,
            Sent::Described { texts: texts(200, "select # as x, name from hr.employees"), at_once: AT_ONCE },
        ),
        Case {
            answer: Refused,
            ..case(
                "descriptions of unknown tables",
                NoGrant,
                Sent::Described { texts: unknown.collect(), at_once: AT_ONCE },
            )
        },
        Case {
            answer: Refused,
            ..case(
                "versions that are not",
                Writer,
                Sent::Described {
                    texts: texts(149, "select * from sales.nation version as of 9#"),
                    at_once: AT_ONCE,
                },
            )
        },
        case(
            "versions as of a time",
            Writer,
            Sent::Described {
                texts: texts(100, "select * from sales.nation timestamp as of '2024-01-01 00:00:#'"),
                at_once: AT_ONCE,
            },
        ),
        case("lists of tables", Writer, Sent::Tables { patterns: texts(100, "%#%"), at_once: AT_ONCE }),
        case("lists of all tables", Writer, Sent::Tables { patterns: texts(60, "%"), at_once: AT_ONCE }),
        case(
            "patterns of many %",
            NoGrant,
            Sent::Tables { patterns: texts(40, &"%a".repeat(3000)), at_once: AT_ONCE },
        ),
        case(
            "patterns of many _",
            Writer,
            Sent::Tables { patterns: texts(40, &"_%".repeat(3000)), at_once: AT_ONCE },
        ),
        case(
            "browsing by SQL",
            Writer,
            Sent::Session {
                texts: texts(100, "select count(*) + # from information_schema.columns"),
                at_once: AT_ONCE,
            },
        ),
        case("errors", NoGrant, Sent::Session { texts: texts(200, "select 1 / (# - #)"), at_once: AT_ONCE }),
    ]
}
