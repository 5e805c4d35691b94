# METADATA
# title: Namespaces, volumes and whole collections stay
# description: |
#   What cannot be made again by applying it: namespaces, volumes, nodes, definitions, everything at once. Denied; people on call
#   wait for two others. What runs the cluster itself is theirs as well. What is denied is denied of kubectl in a shell too.
package policies.kubernetes.destructive

import data.policies.lib.cluster

deny contains {
	"code": "DESTROYS",
	"reason": "namespaces, volumes, nodes, definitions and whole collections are not deleted here",
	"hint": "delete the one object you mean by its name",
} if {
	input.command.protocol in {"kubernetes", "shell"}
	not "sre" in input.principal.groups
	some op in input.command.operations
	op.effect == "delete"
	cluster.destroys(op)
}

deny contains {
	"code": "CLUSTER_PARTS",
	"reason": "what belongs to the whole cluster, or runs it, is not changed by your role",
	"hint": "put it into git, where the people who run the cluster review it",
} if {
	input.command.protocol in {"kubernetes", "shell"}
	not "sre" in input.principal.groups
	some op in input.command.operations
	op.effect in {"create", "write", "delete", "execute"}
	cluster.is_of_the_cluster(op)
}

hold contains {
	"code": "DESTROYS_REVIEW",
	"reason": "two people look before this is destroyed or changed",
	"hint": "say in the ticket what is lost and how it comes back",
	"approvers": {"groups": ["sre"], "quorum": 2},
	"expires": "1h",
} if {
	input.command.protocol == "kubernetes"
	"sre" in input.principal.groups
	input.command.complete == true
	some op in input.command.operations
	cluster.destroys_or_is_of_the_cluster(op)
	every one in input.command.operations {
		cluster.reads_or_changes(one)
	}
}
