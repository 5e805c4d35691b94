# METADATA
# title: Shells in containers
# description: |
#   The guarded shell is open (each line is judged as an exec of it). A terminal of a container's own, where nobody judges what is typed: on
#   clusters with the label `terminals: recorded`, after somebody on call looked.
package policies.kubernetes.terminals

allow contains {"code": "GUARDED", "reason": "a guarded shell is open; each line is judged by itself"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	count(input.command.operations) == 1
	input.command.operations[0].kind == "guarded_shell"
}

hold contains {
	"code": "UNJUDGED",
	"reason": "somebody on call looks before somebody types where nobody judges",
	"hint": "use the guarded shell: `kubectl exec -it POD -- sh`",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	some op in input.command.operations
	op.kind == "raw_shell"
	input.resource.labels.terminals == "recorded"
}

deny contains {
	"code": "NO_TERMINAL",
	"reason": "terminals of containers are not for clients here",
	"hint": "use the guarded shell: `kubectl exec -it POD -- sh`",
} if {
	input.command.protocol == "kubernetes"
	some op in input.command.operations
	op.kind == "raw_shell"
	not input.resource.labels.terminals == "recorded"
}

limit contains {"code": "RECORDED", "reason": "terminals of containers are recorded", "type": "record", "value": true} if {
	input.command.protocol == "kubernetes"
	some op in input.command.operations
	op.kind == "raw_shell"
}
