//! SqlInfo: what this server can do, for drivers and the tools above them.
//!
//! The value of each code sits in one child of a union, and drivers read that child without looking: a wrong one is a
//! crash in JDBC, ADBC and ODBC. So values are written with their type here (`&str`, `bool`, `i64`, `i32`, list, map are
//! children 0 to 5), every code from 500 to 576 is present since ODBC demands each, and a test holds the children fast.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt32Type;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedGroupBy,
    SqlSupportedResultSetConcurrency, SqlSupportedResultSetType, SqlSupportedSubqueries,
    SqlSupportedTransaction, SqlSupportedUnions, SqlSupportsConvert, SqlTransactionIsolationLevel,
    SupportedSqlGrammar,
};

pub(super) use self::map_names::SCHEMA;
use super::functions;
use crate::error::Error;
use crate::guard::FunctionGroup;
use crate::sql::substrait_version;

mod map_names;

/// Version of the Arrow columnar format.
const ARROW_FORMAT_VERSION: &str = "1.5";

/// Flight SQL's bit for entry-level SQL-92; arrow-flight has no name for it.
const SQL_92_ENTRY_LEVEL: i32 = 1;

/// Words with a meaning of their own here that SQL:2003 does not have.
const KEYWORDS: [&str; 12] = [
    "ANTI", "DESCRIBE", "EXCLUDE", "EXPLAIN", "ILIKE", "LIMIT", "OFFSET", "QUALIFY", "SEMI", "SHOW",
    "TRY_CAST", "UNNEST",
];

/// What differs from one server to the next.
#[derive(Default)]
pub(super) struct Capabilities {
    /// Lifetime of a prepared statement's handle.
    pub(super) prepared_ttl: Duration,
    /// Longest SQL text in bytes.
    pub(super) max_sql_bytes: usize,
    /// Names of all functions that SQL may call.
    pub(super) function_names: Vec<String>,
}

/// All codes and values.
pub(super) struct SqlInfoTable(RecordBatch);

impl SqlInfoTable {
    /// Builds the table.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn new(capabilities: &Capabilities) -> Result<Self, Error> {
        let mut builder = SqlInfoDataBuilder::new();
        append_server(&mut builder, capabilities);
        append_names(&mut builder, capabilities);
        append_syntax(&mut builder);
        append_limits(&mut builder, capabilities);
        append_transactions_and_cursors(&mut builder);
        let defect =
            |error: &dyn std::fmt::Display| Error::internal(format!("SqlInfo cannot be built: {error}"));
        let table =
            builder.build().and_then(|data| data.record_batch(None)).map_err(|error| defect(&error))?;
        map_names::with_names(&table).map(Self).map_err(|error| defect(&error))
    }

    /// The values of the codes asked for, or of all codes. Unknown codes are ignored.
    ///
    /// # Errors
    /// Only a defect.
    pub(super) fn select(&self, codes: &[u32]) -> Result<RecordBatch, Error> {
        if codes.is_empty() {
            return Ok(self.0.clone());
        }
        let wanted: HashSet<u32> = codes.iter().copied().collect();
        let known = self.0.column(0).as_primitive::<UInt32Type>();
        let keep: BooleanArray = known.values().iter().map(|code| Some(wanted.contains(code))).collect();
        filter_record_batch(&self.0, &keep)
            .map_err(|error| Error::internal(format!("SqlInfo cannot be read: {error}")))
    }
}

fn append_server(builder: &mut SqlInfoDataBuilder, capabilities: &Capabilities) {
    builder.append(SqlInfo::FlightSqlServerName, "Lakegate");
    builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    builder.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_FORMAT_VERSION);
    builder.append(SqlInfo::FlightSqlServerReadOnly, true);
    builder.append(SqlInfo::FlightSqlServerSql, true);
    builder.append(SqlInfo::FlightSqlServerSubstrait, true);
    // Old forms are read as long as the planner knows them, which it says of no version.
    builder.append(SqlInfo::FlightSqlServerSubstraitMinVersion, "");
    builder.append(SqlInfo::FlightSqlServerSubstraitMaxVersion, substrait_version().as_str());
    builder.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    builder.append(SqlInfo::FlightSqlServerCancel, true);
    builder.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    builder.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    let prepared_ttl_ms = i32::try_from(capabilities.prepared_ttl.as_millis()).unwrap_or(i32::MAX);
    builder.append(SqlInfo::FlightSqlServerStatementTimeout, prepared_ttl_ms);
    builder.append(SqlInfo::FlightSqlServerTransactionTimeout, 0_i32);
}

fn append_names(builder: &mut SqlInfoDataBuilder, capabilities: &Capabilities) {
    builder
        .append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32);
    builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    // Flight SQL has no word for "quoted names are case-sensitive".
    builder.append(
        SqlInfo::SqlQuotedIdentifierCase,
        SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32,
    );
    builder.append(SqlInfo::SqlKeywords, KEYWORDS.as_slice());
    let names = &capabilities.function_names;
    builder.append(SqlInfo::SqlNumericFunctions, functions::offered(FunctionGroup::Numeric, names));
    builder.append(SqlInfo::SqlStringFunctions, functions::offered(FunctionGroup::Text, names));
    builder.append(SqlInfo::SqlSystemFunctions, functions::offered(FunctionGroup::System, names));
    builder.append(SqlInfo::SqlDatetimeFunctions, functions::offered(FunctionGroup::Time, names));
    builder.append(SqlInfo::SqlSearchStringEscape, "\\");
    builder.append(SqlInfo::SqlExtraNameCharacters, "");
    builder.append(SqlInfo::SqlSchemaTerm, "schema");
    builder.append(SqlInfo::SqlProcedureTerm, "");
    // ODBC takes an empty word for "there are no catalogs".
    builder.append(SqlInfo::SqlCatalogTerm, "catalog");
    builder.append(SqlInfo::SqlCatalogAtStart, true);
}

fn append_syntax(builder: &mut SqlInfoDataBuilder) {
    builder.append(SqlInfo::SqlDdlCatalog, false);
    builder.append(SqlInfo::SqlDdlSchema, false);
    builder.append(SqlInfo::SqlDdlTable, false);
    // A table may be visible by its name while none of its rows may be read.
    builder.append(SqlInfo::SqlAllTablesAreSelectable, false);
    builder.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i32);
    builder.append(SqlInfo::SqlSupportsColumnAliasing, true);
    builder.append(SqlInfo::SqlNullPlusNullIsNull, true);
    builder.append(SqlInfo::SqlSupportsConvert, conversions());
    builder.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    builder.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    builder.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    builder.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    let group_by =
        [SqlSupportedGroupBy::SqlGroupByUnrelated as i32, SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32];
    builder.append(SqlInfo::SqlSupportedGroupBy, bits(&group_by));
    builder.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    builder.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    let grammar = [SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32];
    builder.append(SqlInfo::SqlSupportedGrammar, bits(&grammar));
    builder.append(SqlInfo::SqlAnsi92SupportedLevel, SQL_92_ENTRY_LEVEL);
    builder.append(SqlInfo::SqlSupportsIntegrityEnhancementFacility, false);
    // The protocol's text says an ordinal here, but JDBC and ODBC both read bits.
    let outer_joins = [
        SqlOuterJoinsSupportLevel::SqlLimitedOuterJoins as i32,
        SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
    ];
    builder.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&outer_joins));
    builder.append(SqlInfo::SqlSchemasSupportedActions, 0_i32);
    builder.append(SqlInfo::SqlCatalogsSupportedActions, 0_i32);
    builder.append(SqlInfo::SqlSupportedPositionedCommands, 0_i32);
    builder.append(SqlInfo::SqlSelectForUpdateSupported, false);
    builder.append(SqlInfo::SqlStoredProceduresSupported, false);
    let subqueries = [
        SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
        SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
        SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
        SqlSupportedSubqueries::SqlSubqueriesInQuantifieds as i32,
    ];
    builder.append(SqlInfo::SqlSupportedSubqueries, bits(&subqueries));
    builder.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    let unions = [SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32];
    builder.append(SqlInfo::SqlSupportedUnions, bits(&unions));
}

fn append_limits(builder: &mut SqlInfoDataBuilder, capabilities: &Capabilities) {
    const NO_LIMIT: i64 = 0;
    for code in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxConnections,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxStatements,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
        SqlInfo::SqlMaxUsernameLength,
    ] {
        builder.append(code, NO_LIMIT);
    }
    builder.append(
        SqlInfo::SqlMaxStatementLength,
        i64::try_from(capabilities.max_sql_bytes).unwrap_or(NO_LIMIT),
    );
    builder.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, false);
}

fn append_transactions_and_cursors(builder: &mut SqlInfoDataBuilder) {
    const NONE: i32 = SqlTransactionIsolationLevel::SqlTransactionNone as i32;
    // The protocol's text says 32 bits here, but JDBC and ODBC both read 64.
    builder.append(SqlInfo::SqlDefaultTransactionIsolation, i64::from(NONE));
    builder.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, bits(&[NONE]));
    let forward_only = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    builder.append(SqlInfo::SqlSupportedResultSetTypes, bits(&[forward_only]));
    let read_only = SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32;
    builder.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, bits(&[read_only]));
    for code in [
        SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive,
        SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive,
    ] {
        builder.append(code, 0_i32);
    }
    for code in [
        SqlInfo::SqlTransactionsSupported,
        SqlInfo::SqlDataDefinitionCausesTransactionCommit,
        SqlInfo::SqlDataDefinitionsInTransactionsIgnored,
        SqlInfo::SqlBatchUpdatesSupported,
        SqlInfo::SqlSavepointsSupported,
        SqlInfo::SqlNamedParametersSupported,
        SqlInfo::SqlLocatorsUpdateCopy,
        SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
    ] {
        builder.append(code, false);
    }
}

/// A bitmask with the bits of these ordinals.
fn bits(ordinals: &[i32]) -> i32 {
    ordinals.iter().fold(0, |mask, ordinal| mask | 1 << ordinal)
}

/// What CAST turns into what.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert as Type;
    let numbers = [
        Type::SqlConvertBigint,
        Type::SqlConvertBit,
        Type::SqlConvertDecimal,
        Type::SqlConvertFloat,
        Type::SqlConvertInteger,
        Type::SqlConvertNumeric,
        Type::SqlConvertReal,
        Type::SqlConvertSmallint,
        Type::SqlConvertTinyint,
    ];
    let texts = [Type::SqlConvertChar, Type::SqlConvertVarchar, Type::SqlConvertLongvarchar];
    let moments = [Type::SqlConvertDate, Type::SqlConvertTime, Type::SqlConvertTimestamp];
    let groups =
        |groups: &[&[Type]]| groups.concat().into_iter().map(|target| target as i32).collect::<Vec<i32>>();
    let mut conversions = BTreeMap::new();
    for number in numbers {
        conversions.insert(number as i32, groups(&[&numbers, &texts]));
    }
    for text in texts {
        conversions.insert(text as i32, groups(&[&numbers, &texts, &moments]));
    }
    conversions.insert(
        Type::SqlConvertDate as i32,
        groups(&[&texts, &[Type::SqlConvertDate, Type::SqlConvertTimestamp]]),
    );
    conversions.insert(Type::SqlConvertTime as i32, groups(&[&texts, &[Type::SqlConvertTime]]));
    conversions.insert(Type::SqlConvertTimestamp as i32, groups(&[&texts, &moments]));
    conversions
}

#[cfg(test)]
mod tests;
