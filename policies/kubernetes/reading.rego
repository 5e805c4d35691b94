# METADATA
# title: Everybody with a role reads clusters, secrets excepted
# description: |
#   `viewers`, `developers` and `sre` read objects, logs and what the server says of itself. Secrets are read by `sre` alone, and
#   only when a second one has looked.
package policies.kubernetes.reading

import data.policies.lib.cluster

allow contains {"code": "READ", "reason": "reading is open to your role"} if {
	input.command.protocol == "kubernetes"
	cluster.has_role
	cluster.only_reads
}

deny contains {
	"code": "SECRETS",
	"reason": "secrets are not read through this door",
	"hint": "mount the secret into the pod that needs it; describing it shows its keys without values",
} if {
	input.command.protocol == "kubernetes"
	not "sre" in input.principal.groups
	not cluster.reads_masked_secrets
	some op in input.command.operations
	cluster.reads_secrets(op)
}

hold contains {
	"code": "SECRETS_REVIEW",
	"reason": "a second person looks before secrets are read",
	"hint": "say in the ticket which secret you need and why",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	"sre" in input.principal.groups
	input.command.complete == true
	some op in input.command.operations
	cluster.reads_secrets(op)
	every one in input.command.operations {
		one.effect == "read"
	}
}
