# METADATA
# title: Names the developers' policy asks about
package policies.examples.developer.names

harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "intervalstyle", "lc_messages", "lc_monetary", "lc_numeric", "lc_time",
	"lock_timeout", "statement_timeout", "time zone", "timezone",
}

# By bare name, whatever schema it is called in. Most of these have another effect than reading anyway; a second lock
# costs nothing.
insides := {
	"dblink", "dblink_exec", "dblink_connect", "lo_export", "lo_get", "lo_import", "lo_put", "lo_from_bytea",
	"lo_open", "loread", "lowrite", "pg_current_logfile", "pg_file_read", "pg_file_write", "pg_hba_file_rules",
	"pg_ls_dir", "pg_ls_logdir", "pg_ls_tmpdir", "pg_ls_waldir", "pg_read_binary_file", "pg_read_file",
	"pg_show_all_file_settings", "pg_stat_file",
	"query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "table_to_xml", "schema_to_xml",
	"database_to_xml", "cursor_to_xml", "ts_stat", "ts_rewrite", "crosstab",
	"pg_statistic", "pg_statistic_ext_data", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs",
	"pg_cursors", "pg_prepared_statements", "pg_prepared_xacts", "pg_stat_activity", "pg_stat_get_activity",
	"pg_stat_get_backend_activity", "pg_stat_statements",
	"pg_authid", "pg_file_settings", "pg_largeobject", "pg_shadow", "pg_subscription", "pg_user_mapping",
	"pg_user_mappings", "user_mapping_options",
	"pg_cancel_backend", "pg_notify", "pg_reload_conf", "pg_sleep", "pg_sleep_for", "pg_sleep_until",
	"pg_terminate_backend", "set_config",
}
