# METADATA
# title: Nothing is changed on a resource that is frozen
# description: |
#   `data.json` lists the frozen resources. Whoever may merge here may freeze and thaw.
package policies.maintenance

deny contains {
	"code": "FROZEN",
	"reason": "this resource is frozen for maintenance",
	"hint": "look at the maintenance calendar, or ask the person on call",
} if {
	input.command.protocol == "postgres"
	input.resource.name in data.maintenance.frozen
	some op in input.command.operations
	op.effect in {"write", "create", "delete", "grant", "execute", "unknown"}
}
