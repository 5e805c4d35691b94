# METADATA
# title: No pod takes the node
# description: |
#   A pod that is privileged, shares the node's namespaces, mounts its files, binds itself to a node or adds strong capabilities has
#   the node, whatever kind of object carries it. Denied; people on call wait for two others.
package policies.kubernetes.pods

import data.policies.lib.cluster

deny contains {
	"code": "TAKES_NODE",
	"reason": "a pod would get rights on the node itself: privileged, its namespaces, its files or its capabilities",
	"hint": "leave privileged, host namespaces, hostPath and added capabilities out",
} if {
	input.command.protocol in {"kubernetes", "shell"}
	not "sre" in input.principal.groups
	some op in input.command.operations
	cluster.takes_the_node(op)
}

hold contains {
	"code": "NODE_REVIEW",
	"reason": "two people look before a pod gets the node",
	"hint": "say in the ticket what it does on the node",
	"approvers": {"groups": ["sre"], "quorum": 2},
	"expires": "1h",
} if {
	input.command.protocol == "kubernetes"
	"sre" in input.principal.groups
	input.command.complete == true
	some op in input.command.operations
	cluster.takes_the_node(op)
	every one in input.command.operations {
		cluster.reads_or_changes(one)
	}
}
