//! The dialect that a text is read in.
//!
//! A text that asks for no version of a table is read as in the parser's [`GenericDialect`]. One that does is read in the same
//! dialect with table versions switched on. The switch takes the words `at`, `before` and `changes` away as aliases, which is
//! why it is not always on; `version` and `timestamp` stay usable as names in both.
//!
//! The parser tries several readings of a call such as `cast(…)`, each of which reads all that is inside again: nested n times
//! it takes 2ⁿ steps, and a text of one kilobyte would keep a thread for ever. So the steps of a text are counted.

use std::any::TypeId;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::sql::sqlparser::ast::Expr;
use datafusion::sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// The dialect for a text: one that knows table versions if the text has `VERSION`, `TIMESTAMP` or `SYSTEM_TIME` before
/// `AS OF` anywhere.
///
/// Athena writes `FOR VERSION AS OF` and `FOR TIMESTAMP AS OF`, which the parser does not know: such a `FOR` is blanked.
pub(super) fn of(tokens: &mut [TokenWithSpan]) -> TextDialect {
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
    let steps = STEPS + STEPS_PER_TOKEN * tokens.len();
    TextDialect { with_versions: asks_for_versions, steps_left: AtomicUsize::new(steps) }
}

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(word) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Expressions that the parser may begin to read: so many, and more for a long text. A text without repeated readings begins
/// one for a token at the most.
const STEPS: usize = 20_000;
const STEPS_PER_TOKEN: usize = 8;

/// [`GenericDialect`] for one text, with table versions if it asks for one.
#[derive(Debug)]
pub(super) struct TextDialect {
    with_versions: bool,
    steps_left: AtomicUsize,
}

impl TextDialect {
    /// Whether the parser was stopped. Its own error then speaks of whatever it tried last.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps_left.load(Ordering::Relaxed) == 0
    }
}

/// Methods that answer as [`GenericDialect`]'s own.
macro_rules! as_generic {
    ($($method:ident)*) => { $(fn $method(&self) -> bool { GenericDialect.$method() })* };
}

/// Repeats each method that [`GenericDialect`] has of its own; the others have the trait's defaults in both.
impl Dialect for TextDialect {
    fn supports_table_versioning(&self) -> bool {
        self.with_versions
    }

    /// Reads nothing itself: the parser asks here whenever it begins to read an expression.
    fn parse_prefix(&self, _: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let left =
            self.steps_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.is_err().then(|| Err(ParserError::ParserError("the SQL text is too complex".to_owned())))
    }

    /// Answers the parser's questions whether this is the generic dialect.
    fn dialect(&self) -> TypeId {
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
        supports_unicode_string_literal supports_partition_by_after_order_by supports_array_join_syntax
        supports_group_by_expr supports_group_by_with_modifier supports_left_associative_joins_without_parens
        supports_connect_by supports_match_recognize supports_pipe_operator supports_start_transaction_modifier
        supports_window_function_null_treatment_arg supports_dictionary_syntax
        supports_window_clause_named_window_reference supports_parenthesized_set_variables
        supports_select_wildcard_except support_map_literal_syntax allow_extract_custom allow_extract_single_quotes
        supports_extract_comma_syntax supports_create_view_comment_syntax supports_parens_around_table_factor
        supports_values_as_table_factor supports_create_index_with_clause supports_explain_with_utility_options
        supports_limit_comma supports_update_order_by supports_from_first_select
        supports_projection_trailing_commas supports_asc_desc_in_column_definition supports_try_convert
        supports_bitwise_shift_operators supports_comment_on supports_load_extension
        supports_named_fn_args_with_assignment_operator supports_struct_literal supports_empty_projections
        supports_nested_comments supports_multiline_comment_hints supports_user_host_grantee
        supports_string_escape_constant supports_array_typedef_with_brackets supports_match_against
        supports_set_names supports_comma_separated_set_assignments supports_filter_during_aggregation
        supports_select_wildcard_exclude supports_data_type_signed_suffix supports_interval_options
        supports_quote_delimited_string supports_select_wildcard_replace supports_select_wildcard_ilike
        supports_select_wildcard_rename supports_optimize_table supports_install supports_detach
        supports_prewhere supports_with_fill supports_limit_by supports_interpolate supports_settings
        supports_select_format supports_comment_optimizer_hint supports_constraint_keyword_without_name
        supports_key_column_option supports_comma_separated_trim supports_cte_without_as
        supports_select_item_multi_column_alias supports_xml_expressions
    }
}

#[cfg(test)]
mod tests;
