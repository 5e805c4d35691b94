# METADATA
# title: Nothing without a role on APIs
# description: |
#   What no rule grants is denied anyway (`NO_MATCH`). These rules say why in the cases people run into.
package policies.http.default_deny

import data.policies.lib.api

deny contains {
	"code": "NO_ROLE",
	"reason": "you are in no group that may use this API",
	"hint": "ask whoever gave you the token to add you to a group such as `viewers`, then sign in again",
} if {
	input.command.protocol == "http"
	not api.has_role
}

deny contains {
	"code": "WRONG_PROTOCOL",
	"reason": "this resource is not an HTTP API",
	"hint": "check the name of the resource",
} if {
	input.command.protocol == "http"
	not input.resource.protocol == "http"
}
