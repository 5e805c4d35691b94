# METADATA
# title: Code that runs later, unseen
# description: |
#   DO blocks, functions, procedures, triggers, rules, event triggers, views and the like carry code that the server
#   runs when nobody looks. Writers cannot bring any; administrators wait for a second one.
package policies.postgres.opaque_code

deny contains {
	"code": "CODE",
	"reason": "this brings or runs code that nobody can judge beforehand",
	"hint": "send the statements themselves instead of a DO block or a function",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind in {
		"alter_domain", "alter_event_trigger", "alter_function", "alter_operator", "alter_operator_class",
		"alter_operator_family", "alter_policy", "alter_procedure", "alter_routine", "alter_rule", "alter_trigger",
		"alter_type", "alter_view", "call", "create_access_method", "create_aggregate", "create_cast",
		"create_conversion", "create_domain", "create_event_trigger", "create_function", "create_materialized_view",
		"create_operator", "create_operator_class", "create_operator_family", "create_policy", "create_procedure",
		"create_rule", "create_transform", "create_trigger", "create_type", "create_view", "do",
	}
	not "dba" in input.principal.groups
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
		"alter_domain", "alter_event_trigger", "alter_function", "alter_operator", "alter_operator_class",
		"alter_operator_family", "alter_policy", "alter_procedure", "alter_routine", "alter_rule", "alter_trigger",
		"alter_type", "alter_view", "call", "create_access_method", "create_aggregate", "create_cast",
		"create_conversion", "create_domain", "create_event_trigger", "create_function", "create_materialized_view",
		"create_operator", "create_operator_class", "create_operator_family", "create_policy", "create_procedure",
		"create_rule", "create_transform", "create_trigger", "create_type", "create_view", "do",
	}
	"dba" in input.principal.groups
}

deny contains {
	"code": "OPAQUE",
	"reason": "this brings or runs code that nobody can judge beforehand",
	"hint": "send the statements themselves instead of a DO block or a function",
} if {
	input.command.protocol == "postgres"
	"opaque_code" in input.command.features
	not "dba" in input.principal.groups
}

deny contains {
	"code": "SQL_IN_A_STRING",
	"reason": "this runs SQL that is put together while it runs",
	"hint": "send that SQL as a statement of its own",
} if {
	input.command.protocol == "postgres"
	"dynamic_sql" in input.command.features
	not "dba" in input.principal.groups
}
