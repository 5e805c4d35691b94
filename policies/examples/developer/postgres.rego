# METADATA
# title: Developers on databases
# description: |
#   The group `developers` reads everywhere and changes rows outside production. In production a change of rows waits for
#   the group `dba`. A database whose label `environment` is missing or misspelt is production. What empties or drops
#   tables, brings code, runs programs or changes privileges is denied; so is everything nobody could see.
package policies.examples.developer.postgres

import data.policies.examples.developer.names

allow contains {"code": "READ", "reason": "developers may read"} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		only_reads(op)
	}
}

allow contains {"code": "ROW_WRITE", "reason": "developers may change rows outside production"} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		reads_or_writes_rows(op)
	}
}

hold contains {
	"code": "PROD_WRITE",
	"reason": "a DBA looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	"developers" in input.principal.groups
	not input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	writes_rows
	every op in input.command.operations {
		reads_or_writes_rows(op)
	}
}

deny contains {
	"code": "WITHOUT_WHERE",
	"reason": "this UPDATE or DELETE has no WHERE and would touch every row of the table",
	"hint": "say which rows you mean",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {"update", "delete"}
	not op.has_where == true
	"developers" in input.principal.groups
}

deny contains {
	"code": "DESTRUCTIVE",
	"reason": "dropping and truncating go through migrations",
	"hint": "put it into a migration, or ask a DBA",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "delete"
	not op.kind in {"delete", "merge"}
	"developers" in input.principal.groups
}

deny contains {
	"code": "SCHEMA",
	"reason": "your role changes rows, not what the database is made of",
	"hint": "put it into a migration, or ask a DBA",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect in {"create", "grant"}
	"developers" in input.principal.groups
}

deny contains {
	"code": "EXECUTES",
	"reason": "this runs code or programs that nobody can judge beforehand",
	"hint": "send the statements themselves; for files use \\copy in psql",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "execute"
	"developers" in input.principal.groups
}

deny contains {
	"code": "SERVER_INSIDES",
	"reason": "this touches files, secrets, statistics or other people's sessions on the database server",
	"hint": "work with the tables themselves",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	touches_insides(op)
	"developers" in input.principal.groups
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen, so nobody can say what it does",
	"hint": "write it in a plainer way, one statement at a time, with PostgreSQL's own functions",
} if {
	input.command.protocol == "postgres"
	not input.command.complete == true
	"developers" in input.principal.groups
}

only_reads(op) if {
	op.effect == "read"
	not touches_insides(op)
}

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

reads_or_writes_rows(op) if only_reads(op)

reads_or_writes_rows(op) if op.kind in names.row_kinds

# Drawing a number from a sequence is what INSERT does anyway.
reads_or_writes_rows(op) if {
	op.kind == "call_function"
	op.effect == "write"
	count(op.targets) > 0
	every target in op.targets {
		draws_number(target)
	}
}

draws_number(target) if {
	target.type == "function"
	target.name in {"nextval", "pg_catalog.nextval"}
}

draws_number(target) if target.type == "sequence"

writes_rows if {
	some op in input.command.operations
	op.effect != "read"
	op.effect != "session"
}

touches_insides(op) if {
	some target in op.targets
	target.type in {"program", "file", "host"}
}

touches_insides(op) if {
	some target in op.targets
	parts := split(lower(target.name), ".")
	parts[count(parts) - 1] in names.insides
}
