//! The dialect that a text is read in.
//!
//! A text that asks for no version of a table is read as in the parser's [`GenericDialect`]. One that does is read in the same
//! dialect with table versions switched on. The switch takes the words `at`, `before` and `changes` away as aliases, which is
//! why it is not always on; `version` and `timestamp` stay usable as names in both.
//!
//! The parser tries several readings of a call such as `cast(…)`, or of a parenthesis behind FROM, each of which reads all that
//! is inside again: nested n times it takes 2ⁿ steps, and a text of 500 bytes would keep a thread for ever. So the steps of
//! a text are counted: a step is a question that the parser asks its dialect, and it asks in every production. Most of these
//! questions have no answer that stops it, so the last step unwinds the stack up to [`TextDialect::bounded`]. What a step
//! takes depends on how long the words are between which it is made, so the time is looked at as well, and whether anybody
//! still waits.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use crate::stop;

/// The dialect for a text: one that knows table versions if the text has `VERSION`, `TIMESTAMP` or `SYSTEM_TIME` before
/// `AS OF` anywhere.
///
/// Athena writes `FOR VERSION AS OF` and `FOR TIMESTAMP AS OF`, which the parser does not know: such a `FOR` is blanked.
pub(super) fn of(tokens: &mut [TokenWithSpan], effort: &Effort) -> TextDialect {
    let keywords: Vec<(usize, Keyword)> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)))
        .map(|(index, token)| (index, keyword(&token.token)))
        .collect();
    let mut asks_for_versions = false;
    for (position, words) in keywords.windows(3).enumerate() {
        let is_as_of = (words[1].1, words[2].1) == (Keyword::AS, Keyword::OF);
        let kind = words[0].1;
        if !is_as_of || !matches!(kind, Keyword::VERSION | Keyword::TIMESTAMP | Keyword::SYSTEM_TIME) {
            continue;
        }
        asks_for_versions = true;
        let before = position.checked_sub(1).map(|before| keywords[before]);
        if let Some((index, Keyword::FOR)) = before
            && kind != Keyword::SYSTEM_TIME
        {
            tokens[index].token = Token::Whitespace(Whitespace::Space);
        }
    }
    TextDialect {
        with_versions: asks_for_versions,
        steps_left: Cell::new(effort.steps(tokens.len())),
        begun: Instant::now(),
    }
}

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Steps of one text: so many, and more for a long one. Text that is read once takes about six for each token.
const STEPS: usize = 30_000;
const STEPS_PER_TOKEN: usize = 32;

/// Steps of a text that is read where it arrives, on a thread that serves many connections.
const FEW_STEPS: usize = 4_000;

/// Longest time for one text, whatever its steps are: many times what the longest takes whose words are no hindrance.
const MOST_TIME: Duration = Duration::from_secs(5);

/// After so many steps the time is looked at.
const STEPS_BETWEEN_LOOKS: usize = 256;

/// How many steps reading a statement may take.
pub(super) struct Effort {
    is_small: bool,
    was_too_small: Cell<bool>,
}

impl Effort {
    /// As many as a text of its length can need.
    pub(super) fn whole() -> Self {
        Self { is_small: false, was_too_small: Cell::new(false) }
    }

    /// So few that they take less time than to change threads.
    pub(super) fn small() -> Self {
        Self { is_small: true, ..Self::whole() }
    }

    /// Whether a text was left before its end.
    pub(super) fn was_too_small(&self) -> bool {
        self.was_too_small.get()
    }

    fn steps(&self, tokens: usize) -> usize {
        if self.is_small { FEW_STEPS } else { STEPS + STEPS_PER_TOKEN * tokens }
    }
}

/// [`GenericDialect`] for one text, with table versions if it asks for one.
#[derive(Debug)]
pub(super) struct TextDialect {
    with_versions: bool,
    steps_left: Cell<usize>,
    begun: Instant,
}

/// What the stack is unwound with.
struct Exhausted;

impl TextDialect {
    /// What `parse` answers, which reads in this dialect; `None` if it took too many steps.
    pub(super) fn bounded<T>(&self, effort: &Effort, parse: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(parse)) {
            Ok(answer) => Some(answer),
            Err(thrown) if <dyn Any>::is::<Exhausted>(thrown.as_ref()) => {
                effort.was_too_small.set(true);
                None
            }
            Err(defect) => resume_unwind(defect),
        }
    }

    fn step(&self) {
        match self.steps_left.get().checked_sub(1) {
            Some(left) if left % STEPS_BETWEEN_LOOKS > 0 || self.is_in_time() => self.steps_left.set(left),
            // No panic: nothing is printed, and nobody but `bounded` sees it.
            _ => resume_unwind(Box::new(Exhausted)),
        }
    }

    fn is_in_time(&self) -> bool {
        self.begun.elapsed() < MOST_TIME && stop::check().is_ok()
    }
}

/// Methods that count a step and answer as [`GenericDialect`]'s own.
macro_rules! as_generic {
    ($($method:ident)*) => { $(fn $method(&self) -> bool { self.step(); GenericDialect.$method() })* };
}

/// Answers as [`GenericDialect`] does, also where that has the trait's defaults: each question counts.
impl Dialect for TextDialect {
    fn supports_table_versioning(&self) -> bool {
        self.step();
        self.with_versions
    }

    /// Reads nothing itself: the parser asks here whenever it begins to read an expression.
    fn parse_prefix(&self, _: &mut Parser) -> Option<Result<Expr, ParserError>> {
        self.step();
        None
    }

    fn parse_infix(&self, _: &mut Parser, _: &Expr, _: u8) -> Option<Result<Expr, ParserError>> {
        self.step();
        None
    }

    fn get_next_precedence(&self, _: &Parser) -> Option<Result<u8, ParserError>> {
        self.step();
        None
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.step();
        GenericDialect.prec_value(precedence)
    }

    fn prec_unknown(&self) -> u8 {
        self.step();
        GenericDialect.prec_unknown()
    }

    fn is_reserved_for_identifier(&self, word: Keyword) -> bool {
        self.step();
        GenericDialect.is_reserved_for_identifier(word)
    }

    fn get_reserved_keywords_for_select_item_operator(&self) -> &[Keyword] {
        self.step();
        GenericDialect.get_reserved_keywords_for_select_item_operator()
    }

    fn is_table_factor(&self, word: &Keyword, parser: &mut Parser) -> bool {
        self.step();
        GenericDialect.is_table_factor(word, parser)
    }

    fn is_table_alias(&self, word: &Keyword, parser: &mut Parser) -> bool {
        self.step();
        GenericDialect.is_table_alias(word, parser)
    }

    fn is_column_alias(&self, word: &Keyword, parser: &mut Parser) -> bool {
        self.step();
        GenericDialect.is_column_alias(word, parser)
    }

    /// Answers the parser's questions whether this is the generic dialect.
    fn dialect(&self) -> TypeId {
        self.step();
        GenericDialect.dialect()
    }

    fn is_delimited_identifier_start(&self, letter: char) -> bool {
        GenericDialect.is_delimited_identifier_start(letter)
    }

    fn is_identifier_start(&self, letter: char) -> bool {
        GenericDialect.is_identifier_start(letter)
    }

    fn is_identifier_part(&self, letter: char) -> bool {
        GenericDialect.is_identifier_part(letter)
    }

    as_generic! {
        supports_string_literal_backslash_escape ignores_wildcard_escapes supports_unicode_string_literal
        supports_filter_during_aggregation supports_window_clause_named_window_reference
        supports_within_after_array_aggregation supports_partition_by_after_order_by
        supports_array_join_syntax supports_group_by_expr supports_group_by_with_modifier
        supports_left_associative_joins_without_parens supports_outer_join_operator
        supports_cross_join_constraint supports_connect_by supports_execute_immediate supports_match_recognize
        supports_in_empty_list supports_start_transaction_modifier supports_end_transaction_modifier
        supports_named_fn_args_with_eq_operator supports_named_fn_args_with_colon_operator
        supports_named_fn_args_with_assignment_operator supports_named_fn_args_with_rarrow_operator
        supports_named_fn_args_with_expr_name supports_numeric_prefix supports_numeric_literal_underscores
        supports_window_function_null_treatment_arg supports_dictionary_syntax support_map_literal_syntax
        supports_lambda_functions supports_parenthesized_set_variables
        supports_comma_separated_set_assignments supports_update_order_by supports_select_wildcard_except
        convert_type_before_value supports_triple_quoted_string supports_trailing_commas supports_limit_comma
        supports_string_literal_concatenation supports_string_literal_concatenation_with_newline
        supports_projection_trailing_commas supports_from_trailing_commas
        supports_column_definition_trailing_commas supports_object_name_double_dot_notation
        supports_struct_literal supports_empty_projections supports_select_expr_star
        supports_from_first_select supports_from_first_insert supports_pipe_operator
        supports_user_host_grantee supports_match_against supports_select_wildcard_exclude
        supports_select_exclude supports_create_table_multi_schema_info_sources supports_select_modifiers
        describe_requires_table_keyword allow_extract_custom allow_extract_single_quotes
        supports_extract_comma_syntax supports_subquery_as_function_arg supports_create_view_comment_syntax
        supports_array_typedef_without_element_type supports_parens_around_table_factor
        supports_values_as_table_factor supports_dollar_placeholder supports_dollar_as_money_prefix
        supports_create_index_with_clause require_interval_qualifier supports_explain_with_utility_options
        supports_asc_desc_in_column_definition supports_factorial_operator supports_bitwise_shift_operators
        supports_nested_comments supports_multiline_comment_hints supports_eq_alias_assignment
        supports_try_convert supports_bang_not_operator supports_listen_notify supports_load_data
        supports_load_extension supports_top_before_distinct supports_boolean_literals
        supports_show_like_before_in supports_comment_on supports_create_table_select supports_partiql
        supports_constraint_keyword_without_name supports_key_column_option supports_table_sample_before_alias
        supports_insert_set supports_insert_table_function supports_insert_table_query supports_insert_format
        supports_insert_table_alias supports_set_stmt_without_operator supports_string_escape_constant
        supports_table_hints requires_single_line_comment_whitespace supports_array_typedef_with_brackets
        supports_geometric_types supports_order_by_all supports_set_names
        supports_space_separated_column_options supports_alter_column_type_using
        supports_comma_separated_drop_column_list supports_notnull_operator supports_data_type_signed_suffix
        supports_interval_options supports_create_table_like_parenthesized supports_semantic_view_table_factor
        supports_quote_delimited_string supports_comment_optimizer_hint supports_double_ampersand_operator
        supports_binary_kw_as_cast supports_select_wildcard_replace supports_select_wildcard_ilike
        supports_select_wildcard_rename supports_select_wildcard_with_alias supports_optimize_table
        supports_install supports_detach supports_prewhere supports_with_fill supports_limit_by
        supports_interpolate supports_settings supports_select_format supports_comma_separated_trim
        supports_cte_without_as supports_select_item_multi_column_alias supports_xml_expressions
        supports_create_table_using supports_long_type_as_bigint supports_map_literal_with_angle_brackets
    }
}

#[cfg(test)]
mod tests;
