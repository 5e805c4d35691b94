# METADATA
# title: Nothing without a role
# description: |
#   What no rule grants is denied anyway (`NO_MATCH`). These rules say why in the cases people run into: they are in no
#   group that policies know, or they took another resource for a database.
package policies.postgres.default_deny

deny contains {
	"code": "NO_ROLE",
	"reason": "you are in no group that may use databases",
	"detail": "the groups that count are data-readers, developers and dba; identity maps other names to these",
	"hint": "ask whoever gave you the token to add you to a group such as `data-readers`, then sign in again",
} if {
	input.command.protocol == "postgres"
	not has_role
}

has_role if {
	some group in input.principal.groups
	group in {"data-readers", "developers", "dba"}
}

deny contains {
	"code": "WRONG_PROTOCOL",
	"reason": "this resource is not a PostgreSQL database",
	"detail": "a command of protocol postgres was asked for a resource of another one",
	"hint": "check the resource name in `dbname`",
} if {
	input.command.protocol == "postgres"
	not input.resource.protocol == "postgres"
}
