# METADATA
# title: What counts as reading
# description: |
#   One operation at a time: does it read and do nothing else? Transactions and comfort settings of one's own session
#   count as reading, because no client works without them. `unknown` never does.
package policies.lib.reading

import data.policies.lib.sql

transaction_kinds := {
	"begin", "commit", "rollback", "savepoint", "release", "rollback_to", "set_transaction", "show", "explain",
	"deallocate", "close",
}

setting_kinds := {"set", "reset", "set_config"}

is_reading(op) if op.effect == "read"

is_reading(op) if {
	op.effect == "session"
	op.kind in transaction_kinds
}

is_reading(op) if {
	op.effect == "session"
	op.kind in setting_kinds
	count(op.targets) > 0
	every target in op.targets {
		target.type == "setting"
		lower(target.name) in sql.harmless_settings
	}
}

# The whole command reads: every operation does, the nested ones too, and the parser saw to the bottom of it.
only_reads if {
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		is_reading(op)
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

row_kinds := {"insert", "update", "delete", "merge"}

touches_rows(op) if is_reading(op)

touches_rows(op) if {
	op.effect in {"write", "delete"}
	op.kind in row_kinds
}

writes_rows if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
	op.kind in row_kinds
}
