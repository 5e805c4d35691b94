# METADATA
# title: What cannot be taken back
# description: |
#   UPDATE and DELETE without WHERE change a whole table and are denied to everybody. DROP and TRUNCATE are denied, too;
#   for administrators they wait for a second administrator, outside production as well.
package policies.postgres.destructive

deny contains {
	"code": "DELETE_WITHOUT_WHERE",
	"reason": "this DELETE has no WHERE and would empty the table",
	"hint": "say which rows: DELETE ... WHERE ...",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind == "delete"
	not op.has_where == true
}

deny contains {
	"code": "UPDATE_WITHOUT_WHERE",
	"reason": "this UPDATE has no WHERE and would change every row of the table",
	"hint": "say which rows: UPDATE ... SET ... WHERE ...",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind == "update"
	not op.has_where == true
}

deny contains {
	"code": "TRUNCATE",
	"reason": "TRUNCATE empties whole tables at once",
	"hint": "delete the rows you mean with DELETE ... WHERE, or ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.kind == "truncate"
	not "dba" in input.principal.groups
}

deny contains {
	"code": "DROP",
	"reason": "dropping objects is an administrator's work",
	"hint": "put it into a migration, or ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "delete"
	startswith(op.kind, "drop_")
	not "dba" in input.principal.groups
}

hold contains {
	"code": "CANNOT_BE_TAKEN_BACK",
	"reason": "a second administrator looks at what cannot be taken back",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "delete"
	"dba" in input.principal.groups
	takes_everything(op)
}

takes_everything(op) if op.kind == "truncate"

takes_everything(op) if startswith(op.kind, "drop_")
