# METADATA
# title: What runs in a container in production waits
# description: |
#   exec, attach, forwarded ports and debug containers are judged whatever their verb: a WebSocket exec is a GET. Outside production
#   a program that is seen to the bottom runs; a shell, and everything in production, waits. Kubelets and proxies are not reached.
package policies.kubernetes.running

import data.policies.lib.cluster

allow contains {"code": "RUN_INSIDE", "reason": "developers run programs in containers outside production"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.resource.labels.environment in {"dev", "test", "staging"}
	cluster.only_runs
}

allow contains {"code": "LOOK_INSIDE", "reason": "programs that only look may run in a container"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	cluster.only_looks
}

hold contains {
	"code": "REACHES_IN",
	"reason": "this runs something in a container or opens a way into one",
	"hint": "say in the ticket what you are going to do there",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	count(input.command.problems) == 0
	cluster.reaches_in
	not cluster.only_looks
	not cluster.runs_outside_production
}

deny contains {
	"code": "AROUND",
	"reason": "this goes around the API server: to a kubelet, or to everything a pod or service listens on",
	"hint": "use exec, logs or port-forward on the pod itself",
} if {
	input.command.protocol == "kubernetes"
	some op in input.command.operations
	op.kind in {"proxy", "api_proxy", "server_call"}
}
