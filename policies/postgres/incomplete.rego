# METADATA
# title: What could not be seen is not run
# description: |
#   The parser says when it did not see a command to the bottom: code in a string, a function nobody vouched for. Denied;
#   an administrator's waits for a second one, who reads it. Text that is no SQL is denied to everybody.
package policies.postgres.incomplete

import data.policies.lib.reading

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "this text is not SQL that PostgreSQL's grammar accepts",
	"hint": "check the statement for a typing error; psql's \\-commands work as always",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind == "unknown"
}

deny contains {
	"code": "UNKNOWN_EFFECT",
	"reason": "nobody can say what this command would do",
	"detail": "an operation has effect `unknown`: usually a function that is neither PostgreSQL's own nor vouched for in the catalog",
	"hint": "call PostgreSQL's own functions only, or ask an administrator to vouch for yours",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "unknown"
}

deny contains {
	"code": "INCOMPLETE",
	"reason": "part of this command could not be seen",
	"detail": "command.complete is not true; command.problems and command.features say why",
	"hint": "write it in a plainer way, one statement at a time, with PostgreSQL's own functions",
} if {
	input.command.protocol == "postgres"
	not input.command.complete == true
	not "dba" in input.principal.groups
	not reading.reads_but_calls
}

hold contains {
	"code": "INCOMPLETE_REVIEW",
	"reason": "a second administrator reads what could not be seen to the bottom",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "1h",
} if {
	input.command.protocol == "postgres"
	"dba" in input.principal.groups
	not input.command.complete == true
}
