# METADATA
# title: Other clusters, and files where kubectl runs
# description: |
#   A line of kubectl may name another server, proxy, context or identity than those of the cluster that it is judged for, and read or
#   write files where it runs. What would be allowed, or would wait, waits for `sre`. Requests to the gateway itself go nowhere else.
package policies.kubernetes.elsewhere

import data.policies.lib.cluster

hold contains {
	"code": "ELSEWHERE",
	"reason": "this goes to another cluster, server or proxy than the one it is judged for, or touches files where kubectl runs",
	"hint": "leave --context, --server and files out: the gateway leads to the clusters that are open to you",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	cluster.has_role
	input.command.complete == true
	some sign in input.command.features
	sign in {"local_file", "other_cluster"}
	every op in input.command.operations {
		cluster.is_ordinary(op)
	}
}
