"""What the suite may ask for. A requirement that is not here is as SQLAlchemy presumes it."""

from __future__ import annotations

from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements


def _open(self: object) -> exclusions.compound:
    return exclusions.open()


def _closed(self: object) -> exclusions.compound:
    return exclusions.closed()


class Requirements(SuiteRequirements):
    """A server that only reads Delta tables."""


#: What there is and SQLAlchemy does not presume.
SUPPORTED = """
    aggregate_order_by array_type binary_literals bound_limit_offset ctes ctes_with_values date_historic
    datetime_historic datetime_literals datetime_timezone except_ fetch_expression fetch_no_order_by
    infinity_floats intersect isolation_level like_escapes mod_operator_as_percent_sign nullsordering
    order_by_label_with_expression precision_numerics_enotation_small precision_numerics_many_significant_digits
    precision_numerics_retains_significant_digits regexp_match regexp_replace standard_cursor_sql
    supports_bitwise_and supports_bitwise_or supports_bitwise_shift supports_bitwise_xor supports_distinct_on
    supports_is_distinct_from table_value_constructor tuple_in tuple_in_w_empty uuid_data_type window_functions
    window_range window_range_numeric
""".split()

#: What a server that only reads, and tables of a lake, do not have.
MISSING = """
    autoincrement_insert check_constraint_reflection duplicate_key_raises_integrity_error
    duplicate_names_in_cursor_description empty_inserts foreign_key_constraint_reflection
    implements_get_lastrowid index_reflection inline_check_constraint_reflection insert_from_select json_type
    multivalues_inserts named_constraints primary_key_constraint_reflection sane_rowcount savepoints
    self_referential_foreign_keys server_side_cursors temp_table_names temp_table_reflection temporary_tables
    time time_microseconds two_phase_transactions unique_constraint_reflection update_where_target_in_subquery
""".split()

for _name in SUPPORTED:
    setattr(Requirements, _name, property(_open))
for _name in MISSING:
    setattr(Requirements, _name, property(_closed))
