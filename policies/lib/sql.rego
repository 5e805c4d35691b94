# METADATA
# title: Names in PostgreSQL that policies ask about
# description: |
#   What functions and statements do is the parser's knowledge (`effect`, `features`); these are the names it has no word
#   for. A relation is compared by its bare name, whatever schema it is asked for in: a guard that insisted on
#   `pg_catalog` would miss the name found through `search_path`.
package policies.lib.sql

# Show other people's statements, which may hold values and secrets.
activity_relations := {
	"pg_cursors", "pg_prepared_statements", "pg_prepared_xacts", "pg_stat_activity", "pg_stat_get_activity",
	"pg_stat_get_backend_activity", "pg_stat_replication", "pg_stat_statements", "pg_stat_statements_info",
	"pg_stat_subscription", "pg_stat_wal_receiver",
}

# Hold password hashes, connection strings, file contents, access rules.
secret_relations := {
	"_pg_foreign_servers", "_pg_user_mappings", "foreign_server_options", "pg_authid", "pg_db_role_setting",
	"pg_file_settings", "pg_foreign_server", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_largeobject",
	"pg_shadow", "pg_subscription", "pg_user_mapping", "pg_user_mappings", "user_mapping_options",
}

# Hold samples of other tables' values.
statistics_relations := {
	"pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs",
}

# Read large objects: files by another name, which no column mask reaches.
large_object_functions := {
	"lo_close", "lo_creat", "lo_create", "lo_from_bytea", "lo_get", "lo_lseek", "lo_lseek64", "lo_open", "lo_put",
	"lo_tell", "lo_tell64", "lo_truncate", "lo_truncate64", "lo_unlink", "loread", "lowrite",
}

# Change how the server reads what is sent to it, so that it could read another command than was judged.
reading_settings := {
	"backslash_quote", "client_encoding", "escape_string_warning", "names", "standard_conforming_strings",
	"transform_null_equals",
}

# Change what unqualified names mean.
name_settings := {"schema", "search_path", "temp_tablespaces"}

# Switch off what the database's owner put in place: row security, triggers, foreign keys, checks.
protection_settings := {
	"allow_in_place_tablespaces", "allow_system_table_mods", "check_function_bodies",
	"default_transaction_read_only", "ignore_checksum_failure", "ignore_system_indexes", "row_security",
	"session_preload_libraries", "session_replication_role", "local_preload_libraries", "transaction_read_only",
	"zero_damaged_pages",
}

# Act as somebody else.
identity_settings := {"role", "session_authorization"}

# Change nothing but one's own comfort: how values are printed, how long to wait.
harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "idle_session_timeout", "intervalstyle", "jit", "lc_messages",
	"lc_monetary", "lc_numeric", "lc_time", "lock_timeout", "plan_cache_mode", "seed", "statement_timeout",
	"time zone", "timezone", "transaction_timeout", "work_mem", "xmloption",
}

# The last part of a dotted name.
bare(name) := part if {
	parts := split(lower(name), ".")
	part := parts[count(parts) - 1]
}
