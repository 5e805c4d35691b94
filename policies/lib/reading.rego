# METADATA
# title: What counts as reading
# description: |
#   One operation at a time: does it read and do nothing else? Transactions and comfort settings of one's own session
#   count as reading, because no client works without them. `unknown` never does.
package policies.lib.reading

own_session_kinds := {
	"begin", "close_cursor", "commit", "deallocate", "declare_cursor", "move", "release_savepoint", "rollback",
	"rollback_to_savepoint", "savepoint", "set_transaction", "show", "unlisten",
}

# Change nothing but one's own comfort: how values are printed, how long to wait.
harmless_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits",
	"idle_in_transaction_session_timeout", "idle_session_timeout", "intervalstyle", "lc_messages",
	"lc_monetary", "lc_numeric", "lc_time", "lock_timeout", "plan_cache_mode", "seed", "statement_timeout",
	"time zone", "timezone", "transaction_timeout", "xmloption",
}

# How values are printed, and nothing else: drivers set that by `set_config`, and limits are not theirs to lift.
printing_settings := {
	"application_name", "bytea_output", "client_min_messages", "datestyle", "extra_float_digits", "intervalstyle",
	"lc_messages", "lc_monetary", "lc_numeric", "lc_time", "timezone", "xmloption",
}

is_reading(op) if op.effect == "read"

is_reading(op) if {
	op.effect == "session"
	op.kind in own_session_kinds
}

is_reading(op) if {
	op.effect == "session"
	op.kind in {"set", "reset"}
	count(op.targets) > 0
	every target in op.targets {
		target.type == "setting"
		target.name in harmless_settings
	}
}

# `set_config` with the name of such a setting written out, and no other setting in the command.
is_reading(op) if {
	op.kind == "call_function"
	op.effect == "session"
	some one in op.targets
	one.type == "setting"
	every target in op.targets {
		sets_harmlessly(target)
	}
	not changes_more
}

sets_harmlessly(target) if {
	target.type == "function"
	target.name == "pg_catalog.set_config"
}

sets_harmlessly(target) if {
	target.type == "setting"
	target.name in printing_settings
}

changes_more if {
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access == "set"
	not target.name in harmless_settings
}

# The whole command reads: every operation does, the nested ones too, and the parser saw to the bottom of it.
only_reads if {
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		is_reading(op)
	}
}

# The whole command reads, but calls functions that nobody vouched for, in schemas that are known (`?.` is a name nobody
# could place). Nothing else about it is unseen.
reads_but_calls if {
	"unknown_function" in input.command.features
	count(input.command.problems) == 0
	every feature in input.command.features {
		feature in {"unknown_function", "whole_row"}
	}
	every op in input.command.operations {
		reads_or_calls(op)
	}
}

reads_or_calls(op) if is_reading(op)

reads_or_calls(op) if {
	op.kind == "call_function"
	op.effect == "execute"
	count(op.targets) > 0
	every target in op.targets {
		target.type == "function"
		not startswith(target.name, "?.")
		not startswith(target.name, "pg_catalog.")
	}
}

# The whole command reads rows or changes them, and nothing else.
only_reads_and_writes_rows if {
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		touches_rows(op)
	}
}

row_kinds := {"copy_from", "delete", "insert", "merge", "select_for_update", "update"}

# Statements that carry others have the gravest effect among them; what they carry is listed and judged by itself.
carriers := {"copy_to", "explain_analyze", "select"}

touches_rows(op) if is_reading(op)

touches_rows(op) if {
	op.effect in {"write", "delete"}
	op.kind in row_kinds
}

touches_rows(op) if {
	op.effect in {"write", "delete"}
	op.kind in carriers
}

# Drawing a number from a sequence is what INSERT does anyway.
touches_rows(op) if {
	op.kind == "call_function"
	op.effect == "write"
	count(op.targets) > 0
	every target in op.targets {
		draws_number(target)
	}
}

draws_number(target) if {
	target.type == "function"
	target.name == "pg_catalog.nextval"
}

draws_number(target) if target.type == "sequence"

writes_rows if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
}
