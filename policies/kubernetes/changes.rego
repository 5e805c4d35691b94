# METADATA
# title: Workloads change freely outside production
# description: |
#   Developers and people on call make, change and delete single objects outside production; in production each change waits for
#   `sre`. Viewers change nothing. A cluster whose label `environment` is missing or misspelt is production.
package policies.kubernetes.changes

import data.policies.lib.cluster

allow contains {"code": "CHANGE", "reason": "developers change workloads outside production"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.resource.labels.environment in {"dev", "test", "staging"}
	cluster.only_changes
}

hold contains {
	"code": "PROD_CHANGE",
	"reason": "somebody on call looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	not input.resource.labels.environment in {"dev", "test", "staging"}
	cluster.changes_something
	cluster.only_changes
}

hold contains {
	"code": "UNSEEN",
	"reason": "part of this stands in a file or is computed, so nobody has seen it yet",
	"hint": "write names out, and send manifests through the gateway, where their contents are seen",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	count(input.command.problems) == 0
	not input.command.complete == true
	every op in input.command.operations {
		cluster.reads_or_changes(op)
	}
}

deny contains {
	"code": "VIEWERS_LOOK",
	"reason": "your role looks at clusters and changes nothing",
	"hint": "ask a developer of the service",
} if {
	input.command.protocol == "kubernetes"
	not cluster.may_change
	cluster.changes_something
}
