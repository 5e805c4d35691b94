# METADATA
# title: Reading is open, writing waits in production, deleting waits everywhere
# description: |
#   By method, OpenAPI document, GraphQL operation or call: everybody with a role reads; developers write outside production; in
#   production a write waits for `sre`, and so does every deletion, by its method or by its name.
package policies.http.methods

import data.policies.lib.api

allow contains {"code": "READ", "reason": "reading is open to your role"} if {
	input.command.protocol == "http"
	api.has_role
	api.only_reads
}

allow contains {"code": "WRITE", "reason": "developers write outside production"} if {
	input.command.protocol == "http"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.resource.labels.environment in {"dev", "test", "staging"}
	api.only_reads_or_writes
}

hold contains {
	"code": "PROD_WRITE",
	"reason": "somebody on call looks at every write in production",
	"hint": "keep the request open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	some group in input.principal.groups
	group in {"developers", "sre"}
	not input.resource.labels.environment in {"dev", "test", "staging"}
	api.reads_writes_or_deletes
	not api.only_reads
}

hold contains {
	"code": "DELETES",
	"reason": "this deletes something, by its method or by its name",
	"hint": "say in the ticket what is deleted and why",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	some group in input.principal.groups
	group in {"developers", "sre"}
	api.reads_writes_or_deletes
	api.deletes
}

hold contains {
	"code": "CALLS",
	"reason": "a procedure or tool is called by name, and what it does is not known here",
	"hint": "an OpenAPI document, or a rule for this method, would let it through",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	some group in input.principal.groups
	group in {"developers", "sre"}
	api.understood
	some op in input.command.operations
	op.kind in {"rpc_call", "mcp_tool_call"}
	every one in input.command.operations {
		one.effect in {"read", "execute"}
		one.kind in {"rpc_call", "mcp_tool_call", "mcp_request"}
	}
}

deny contains {
	"code": "VIEWERS_LOOK",
	"reason": "your role reads and changes nothing",
	"hint": "ask a developer of the service",
} if {
	input.command.protocol == "http"
	not api.may_change
	not api.only_reads
}
