# METADATA
# title: Code that runs later, unseen
# description: |
#   DO blocks, functions, procedures, triggers, rules, event triggers, views and the like carry code that the server
#   runs when nobody looks. Writers cannot bring any; administrators wait for a second one.
package policies.postgres.opaque_code

import data.policies.lib.roles
import data.policies.lib.sql

deny contains {
	"code": "CODE",
	"reason": "this brings or runs code that nobody can judge beforehand",
	"hint": "send the statements themselves instead of a DO block or a function",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {
		"do", "call", "create_function", "create_procedure", "alter_function", "create_trigger", "create_rule",
		"create_event_trigger", "create_cast", "create_operator", "create_aggregate", "create_domain",
		"create_language", "create_transform", "create_view", "create_materialized_view", "create_policy",
	}
	not roles.is_administrator
}

hold contains {
	"code": "CODE_REVIEW",
	"reason": "a second administrator reads code before it runs",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "1h",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {
		"do", "call", "create_function", "create_procedure", "alter_function", "create_trigger", "create_rule",
		"create_event_trigger",
	}
	roles.is_administrator
}

deny contains {
	"code": "SQL_IN_A_STRING",
	"reason": "this function runs SQL that stands in a string",
	"hint": "send that SQL as a statement of its own",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "function"
	lower(sql.bare(target.name)) in sql.text_as_sql_functions
}
