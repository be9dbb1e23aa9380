//! Texts that make a parser work: every bracket and every word behind which it reads something, within one another.
//!
//! Each text ends, with a tree or with an error, and none ends the process. What a text may take is bounded by its steps; the
//! slowest text is printed.

use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// As the threads have that read texts.
const STACK_BYTES: usize = 16 << 20;

/// Texts of one run.
const TEXTS: u64 = 1_500;

/// What may stand in front of something else to be read.
const OPENING: &str = "( (( [ { (select_ ((select_ select_*_from_( (select_*_from_( ((select_*_from_(( from_( ((from_( \
    case_when_ cast( try_cast( a( f(a,_ interval_ interval_( not_ -_ exists_( array[ map_{ struct( struct< array< \
    x_in_( x_in_(( (a,_ a_->_ (a)_->_ ((a,b)_->_ {fn_f( {d_ {'a':_ with_a_as_( values_( values_(( a_over_( \
    f(a)_over_(partition_by_ f(a)_filter_(where_ lateral_( table( unnest( t_pivot_( from_t_pivot_(sum(a)_for_b_in_( \
    t_unpivot_( t_match_recognize_(measures_ union_( union_select_ except_( a_join_( t_join_( cross_join_( on_( group_by_( \
    grouping_sets_( rollup_( order_by_( a_between_ a_like_ a:: a::struct<a_ cast(a_as_array< cast(a_as_struct<a_ \
    cast(a_as_map( extract(day_from_ substring( trim(both_ position( position(( overlay( ceil( convert( date_ timestamp_ \
    time_( json_object( json_table( xmltable( listagg( array( any( all( a_=_any_( as_( within_group_( tablesample_( limit_( \
    insert_ update_ explain_ if_( top_( distinct_on_( replace_( exclude_( rename_( |>_select_ at_time_zone_ collate_ \
    is_distinct_from_ rlike_ match( semantic_view( prior_ connect_by_ start_with_ set_x_=_( window_w_as_( qualify_ having_ \
    where_ select_ for_ row( try_convert( decimal( nested( tuple( nullable( lowcardinality( interval_'1'_ a. a[ (*_ f(* \
    f(distinct_ f(a_=>_ f(a_:=_ merge_into_ delete_from_ array<array< interval_interval_ [1]";

const CLOSING: &str = ") ] } _end _as_x _from_t _t _on_a _then_a _1 ,_a )) > _and _=_1 _as_int) _from_t) ]]";
const BEGINNING: &str =
    "_ select_ select_*_from_ select_1_from_t_where_ select_a_from_t_join_ explain_ values_ with_a_as_(";
const MIDDLE: &str = "a 1 'x' _ t select_1 * a_b_c % 1_1";

/// xorshift64*: the same texts each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % end
    }

    fn word(&mut self, words: &[String]) -> String {
        words[self.below(words.len())].clone()
    }
}

fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(|word| word.replace('_', " ")).collect()
}

/// A text of about so many bytes: a few openings repeated or all mixed, a middle, and perhaps what closes them.
fn text(random: &mut Random) -> String {
    let (opening, closing) = (words(OPENING), words(CLOSING));
    let bytes = [100, 459, 1_000, 4_000][random.below(4)];
    let pattern: Vec<String> = (0..=random.below(4)).map(|_| random.word(&opening)).collect();
    let (is_mixed, is_closed) = (random.below(3) == 0, random.below(2) == 0);
    let mut text = random.word(&words(BEGINNING));
    let mut levels = 0;
    while text.len() < if is_closed { bytes / 2 } else { bytes } {
        text += &if is_mixed { random.word(&opening) } else { pattern[levels % pattern.len()].clone() };
        levels += 1;
    }
    text += &random.word(&words(MIDDLE));
    let ends: Vec<String> = (0..=random.below(3)).map(|_| random.word(&closing)).collect();
    for level in (0..levels).filter(|_| is_closed) {
        text += &ends[level % ends.len()];
    }
    text
}

fn in_a_deep_stack(work: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

#[test]
fn no_text_evades_the_count_of_steps_and_none_ends_the_process() {
    in_a_deep_stack(|| {
        let mut slowest = (Duration::ZERO, String::new());
        for number in 1..=TEXTS {
            let text = text(&mut Random(number));
            let begun = Instant::now();
            let at_once = Statement::parse_at_once(&text, MEBIBYTE, &SessionOptions::default());
            let whole = parse(&text);
            if let Some(at_once) = at_once {
                assert_eq!(at_once.is_ok(), whole.is_ok(), "{text}");
            }
            if begun.elapsed() > slowest.0 {
                slowest = (begun.elapsed(), text);
            }
        }
        println!("{TEXTS} texts; {:?}: {}", slowest.0, &slowest.1[..slowest.1.len().min(200)]);
    });
}

#[test]
fn parentheses_behind_from_that_double_the_readings_are_refused() {
    in_a_deep_stack(|| {
        for level in ["((select * from ", "((from ", "((select from ", "((select a from values "] {
            let sql = format!("select * from {}t", level.repeat(25));
            let error = parse(&sql).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{sql}");
            assert!(
                Statement::parse_at_once(&sql, MEBIBYTE, &SessionOptions::default())
                    .is_none_or(|read| read.is_err())
            );
        }
        let nested = "(select * from ".repeat(12) + "sales.nation" + &") t".repeat(12);
        assert_eq!(kind_of(&format!("select * from {nested}")), None);
        assert_eq!(
            kind_of(
                "select * from ((sales.nation a join sales.nation b on true) join sales.region c on true)"
            ),
            None
        );
    });
}

#[test]
fn what_the_parser_follows_without_a_limit_is_bounded_before() {
    in_a_deep_stack(|| {
        for sql in [
            format!("select cast(null as {}int{})", "array<".repeat(65), ">".repeat(65)),
            format!("select cast(null as {}int{})", "struct<a ".repeat(2_900), ">".repeat(2_900)),
            format!(
                "select cast(null as {}int{})",
                "struct<a int options (b > 1), c ".repeat(500),
                ">".repeat(500)
            ),
            format!("select cast(null as int{})", "[]".repeat(2_000)),
            format!("select {} '1' day", "interval ".repeat(100_000)),
            format!("{} select 1", "explain ".repeat(100_000)),
            format!("select cast(null as {}int{})", "nullable(".repeat(1_000), ")".repeat(1_000)),
        ] {
            let error = parse(&sql).err().unwrap().to_string();
            assert!(error.contains("the SQL text is too complex"), "{}: {error}", &sql[..60]);
        }
        let types = vec!["cast(null as array<struct<a int, b array<int>>>)"; 300].join(", ");
        assert_eq!(tokens::read(&format!("select {types}"), MEBIBYTE).err().map(|error| error.kind()), None);
        let compared = vec!["array < struct and struct < map"; 300].join(" or ");
        assert!(tokens::read(&format!("select {compared}"), MEBIBYTE).is_err(), "unknown, hence refused");
        assert_eq!(kind_of("select a[1][2], interval '1' day from hr.t where a < 1 and b > 2"), None);
    });
}

#[test]
fn white_space_and_comments_between_words_cost_nothing() {
    in_a_deep_stack(|| {
        let spaced = |levels: usize| {
            let level = format!("cast({}", "/**/ ".repeat(20_000 / levels));
            format!("select {}1{}", level.repeat(levels), " as int)".repeat(levels))
        };
        assert_eq!(kind_of(&spaced(8)), None);
        let tokens = tokens::read(&spaced(8), MEBIBYTE).unwrap();
        assert!(tokens.len() < 100, "{}", tokens.len());
    });
}

#[test]
fn a_text_of_few_steps_is_read_where_it_arrives() {
    let at_once = |sql: &str| Statement::parse_at_once(sql, MEBIBYTE, &SessionOptions::default());
    assert!(at_once("select 1").is_some_and(|read| read.is_ok()));
    assert!(
        at_once("select a, count(*) from hr.t where b > 1 group by a order by 2")
            .is_some_and(|read| read.is_ok())
    );
    assert!(at_once(&format!("select {}1", "(".repeat(60))).is_none_or(|read| read.is_err()));
    assert!(at_once(&format!("select '{}'", "long".repeat(1_000))).is_none());
    assert!(at_once(&format!("select {}", vec!["a"; 900].join(","))).is_none());
}
