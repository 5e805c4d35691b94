# METADATA
# title: What could not be read is not run on clusters
# description: |
#   Paths that are not canonical, bodies in binary form, plugins, unknown options: denied to everybody. What is merely not seen waits
#   (`changes`, `running`).
package policies.kubernetes.incomplete

import data.policies.lib.cluster

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "this request is not canonical, or part of it could not be read",
	"hint": "write it in a plainer way; the problems say what was refused",
} if {
	input.command.protocol == "kubernetes"
	count(input.command.problems) > 0
}

deny contains {
	"code": "UNKNOWN_EFFECT",
	"reason": "nobody can say what this would do",
	"hint": "use a command that kubectl itself has",
} if {
	input.command.protocol == "kubernetes"
	some op in input.command.operations
	op.effect == "unknown"
}
