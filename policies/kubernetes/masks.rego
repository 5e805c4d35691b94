# METADATA
# title: Values of secrets do not come back
# description: |
#   The answer to a change shows the whole object, so a label put on a secret would read it: values are hidden from everybody. `sre` see
#   them where they read a secret, which waits for a second person. On a cluster with the label `secrets: masked` everybody with a role may read secrets that way too.
package policies.kubernetes.masks

mask contains {
	"code": "VALUES",
	"reason": "values of secrets are hidden",
	"method": "redact",
	"paths": ["$.data.*", "$.stringData.*"],
} if {
	input.command.protocol == "kubernetes"
	some op in input.command.operations
	op.kubernetes.resource == "secrets"
	not reads_as_sre(op)
}

reads_as_sre(op) if {
	"sre" in input.principal.groups
	op.effect == "read"
}
