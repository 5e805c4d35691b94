# METADATA
# title: Access changes by two people
# description: |
#   Roles, bindings, tokens, certificates and acting as somebody else hand rights on. Denied; people on call wait for two others.
#   Wildcards, escalation and cluster-admin are denied to everybody.
package policies.kubernetes.access

import data.policies.lib.cluster

deny contains {
	"code": "HANDS_RIGHTS_ON",
	"reason": "this makes, changes or uses rights of others",
	"hint": "change access in git, where two people review it",
} if {
	input.command.protocol == "kubernetes"
	not "sre" in input.principal.groups
	some op in input.command.operations
	op.effect == "grant"
}

deny contains {
	"code": "TAKES_THE_CLUSTER",
	"reason": "this gives everything: a wildcard, escalation or the role of an administrator",
	"hint": "list the verbs and resources that are needed",
} if {
	input.command.protocol in {"kubernetes", "shell"}
	some op in input.command.operations
	cluster.gives_everything(op)
}

hold contains {
	"code": "ACCESS_REVIEW",
	"reason": "two people look before rights change",
	"hint": "say in the ticket who needs them and for how long",
	"approvers": {"groups": ["sre"], "quorum": 2},
	"expires": "1h",
} if {
	input.command.protocol == "kubernetes"
	"sre" in input.principal.groups
	input.command.complete == true
	some op in input.command.operations
	op.effect == "grant"
	op.kind != "impersonate"
	every one in input.command.operations {
		one.effect in {"grant", "read"}
	}
}

deny contains {
	"code": "IMPERSONATION",
	"reason": "nobody acts as somebody else here",
	"hint": "the gateway says who you are; leave `--as` and Impersonate headers out",
} if {
	input.command.protocol in {"kubernetes", "shell"}
	some op in input.command.operations
	op.kind == "impersonate"
}
