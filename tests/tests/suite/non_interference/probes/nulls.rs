//! Bytes that no row uses and that travel all the same: the slots of NULLs, the ends of bitmaps, what a list or a struct keeps
//! below a NULL. A reader that decodes hidden rows into the same buffers may leave their values there.

use super::Probes;

pub(super) const OF_ROWS: Probes = &[
    ("integers", "select bonus from brought.ledger"),
    ("floating-point numbers", "select rate from brought.ledger"),
    ("truth values", "select is_paid from brought.ledger"),
    ("days", "select born from brought.ledger"),
    ("moments", "select seen from brought.ledger"),
    ("decimals", "select price from brought.ledger"),
    ("texts", "select note from brought.ledger"),
    ("lists", "select tags from brought.ledger"),
    ("structs", "select address from brought.ledger"),
    ("fields of structs", "select address['zip'], address['city'] from brought.ledger"),
    ("items of lists", "select tags[2] from brought.ledger"),
    ("only rows with NULLs", "select bonus, rate, born, seen, price from brought.ledger where bonus is null"),
    ("integers between deleted rows", "select code, flag from brought.erased"),
    ("integers of the newest version", "select code, flag from brought.history"),
    ("columns beside hidden ones", "select level, started, name from brought.staff"),
    ("texts of partitions", "select page, country from brought.visits"),
    ("computed integers", "select bonus + 1, bonus * 2, -bonus, abs(bonus) from brought.ledger"),
    (
        "converted integers",
        "select cast(bonus as bigint), cast(bonus as double), cast(bonus as decimal(12, 1)) from \
         brought.ledger",
    ),
    (
        "converted moments",
        "select cast(seen as date), date_trunc('month', seen), date_part('day', born) from brought.ledger",
    ),
    (
        "rounded decimals",
        "select round(price, 1), price * 2, cast(price as decimal(20, 4)) from brought.ledger",
    ),
    (
        "compared integers",
        "select bonus > 10, bonus = code from brought.ledger l left join brought.erased e on l.id = e.id",
    ),
    ("replaced NULLs", "select coalesce(bonus, -1), nullif(bonus, 3), nvl(rate, 0.5) from brought.ledger"),
    ("chosen integers", "select case when id % 2 = 0 then bonus end, greatest(bonus, 7) from brought.ledger"),
    ("a struct of NULLs", "select named_struct('bonus', bonus, 'rate', rate) from brought.ledger"),
    ("a list of NULLs", "select make_array(bonus, bonus) from brought.ledger"),
    (
        "NULLs of an outer join",
        "select l.id, s.bonus from brought.projects l left join brought.ledger s on l.id = s.id where l.id \
         < 600",
    ),
    (
        "the neighbours' NULLs",
        "select lag(bonus) over (order by id), lead(rate) over (order by id) from brought.ledger",
    ),
    (
        "aggregates of NULLs",
        "select kind, max(bonus) filter (where bonus is null), sum(bonus) from brought.ledger group by kind \
         order by kind",
    ),
    ("sorted NULLs", "select bonus, price from brought.ledger order by id"),
];

pub(super) const OF_ORDER: Probes = &[
    ("many integers", "select code from brought.long_list"),
    ("many truth values", "select flag from brought.long_list"),
    ("a few of many", "select code, flag from brought.long_list limit 13"),
    ("collected integers", "select array_agg(bonus), array_agg(is_paid) from brought.ledger"),
];
