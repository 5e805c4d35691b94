# METADATA
# title: Data readers read, and nothing else
# description: |
#   The group `data-readers` may run anything that only reads, psql's \d commands included. Everything else is denied:
#   what no rule below allows has no way through. The denials are here for their reasons only.
package policies.examples.read_only

import data.policies.examples.read_only.names

allow contains {"code": "READ", "reason": "data readers may read"} if {
	input.command.protocol == "postgres"
	"data-readers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		only_reads(op)
	}
}

only_reads(op) if {
	op.effect == "read"
	not touches_secrets(op)
}

# No client works without transactions and a few comfort settings of its own session.
only_reads(op) if {
	op.effect == "session"
	op.kind in names.own_session_kinds
}

only_reads(op) if {
	op.effect == "session"
	op.kind in {"set", "reset"}
	count(op.targets) > 0
	every target in op.targets {
		target.type == "setting"
		lower(target.name) in names.harmless_settings
	}
}

touches_secrets(op) if {
	some target in op.targets
	parts := split(lower(target.name), ".")
	parts[count(parts) - 1] in names.forbidden
}

# Somebody who has another role as well is judged by that role's policies; this one has nothing to say to them.
is_only_a_reader if {
	"data-readers" in input.principal.groups
	not "developers" in input.principal.groups
	not "dba" in input.principal.groups
}

deny contains {
	"code": "NOT_A_READ",
	"reason": "your role may read, and this would do more",
	"hint": "leave out what writes, or ask for the group `developers`",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect in {"write", "create", "delete", "grant", "execute"}
	is_only_a_reader
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen, so nobody can say that it only reads",
	"hint": "write it in a plainer way, one statement at a time, with PostgreSQL's own functions",
} if {
	input.command.protocol == "postgres"
	not input.command.complete == true
	is_only_a_reader
}

deny contains {
	"code": "SERVER_INSIDES",
	"reason": "this reads files, secrets, statistics or other people's statements on the database server",
	"hint": "query the tables themselves; \\d in psql works",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	touches_secrets(op)
	is_only_a_reader
}
