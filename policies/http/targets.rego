# METADATA
# title: Nobody is led inside
# description: |
#   Metadata services, loopback, link-local and private addresses, in every spelling, as a target, a Host or a value: what a server
#   fetches for a client is fetched with the server's rights.
package policies.http.targets

import data.policies.lib.api

deny contains {
	"code": "METADATA",
	"reason": "this asks for the metadata service of a cloud",
	"hint": "nobody needs it through this door",
} if {
	input.command.protocol == "http"
	"metadata_host" in input.command.features
}

deny contains {
	"code": "LEADS_INSIDE",
	"reason": "a value leads to a host inside",
	"hint": "name a public address",
} if {
	input.command.protocol == "http"
	"url_to_internal" in input.command.features
}

deny contains {
	"code": "PROXY_TO_INSIDE",
	"reason": "a whole URL with a host inside is asked for, as from a proxy",
	"hint": "ask the resource itself",
} if {
	input.command.protocol == "http"
	input.command.http
	input.command.http.scheme
	some feature in input.command.features
	feature in {"internal_host", "link_local_host"}
}

deny contains {
	"code": "TUNNEL",
	"reason": "a connection would be opened of which nothing is seen",
	"hint": "ask for a resource of the right protocol",
} if {
	input.command.protocol == "http"
	some op in input.command.operations
	op.kind in {"connect", "upgrade"}
}
