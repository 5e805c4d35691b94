# METADATA
# title: Nothing without a role on clusters
# description: |
#   What no rule grants is denied anyway (`NO_MATCH`). These rules say why in the cases people run into.
package policies.kubernetes.default_deny

import data.policies.lib.cluster

deny contains {
	"code": "NO_ROLE",
	"reason": "you are in no group that may use clusters",
	"hint": "ask whoever gave you the token to add you to a group such as `viewers`, then sign in again",
} if {
	input.command.protocol == "kubernetes"
	not cluster.has_role
}

deny contains {
	"code": "WRONG_PROTOCOL",
	"reason": "this resource is not a Kubernetes cluster",
	"hint": "check the name of the resource",
} if {
	input.command.protocol == "kubernetes"
	not input.resource.protocol == "kubernetes"
}
