# METADATA
# title: Administration and insides of services
# description: |
#   Paths that administer a service or show its insides are for people on call, and wait for another one; files that should never be
#   served are refused to everybody. Secrets do not stand in URLs.
package policies.http.routes

import data.policies.lib.api

deny contains {
	"code": "ADMIN_ROUTE",
	"reason": "this path administers the service",
	"hint": "ask whoever runs the service",
} if {
	input.command.protocol == "http"
	not "sre" in input.principal.groups
	some segment in segments
	segment in admin
}

hold contains {
	"code": "ADMIN_REVIEW",
	"reason": "a second person looks before the service is administered",
	"hint": "say in the ticket what you are going to change",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"sre" in input.principal.groups
	api.reads_writes_or_deletes
	some segment in segments
	segment in admin
}

deny contains {
	"code": "INSIDES",
	"reason": "this path shows files that are not meant to be served",
	"hint": "nobody needs it through this door",
} if {
	input.command.protocol == "http"
	some segment in segments
	segment in insides
}

deny contains {
	"code": "SECRET_IN_URL",
	"reason": "a password, token or key stands in the URL, where logs and others keep it",
	"hint": "send it in a header; the gateway brings the credential of the target itself",
} if {
	input.command.protocol == "http"
	some feature in input.command.features
	feature in {"access_token", "credentials_in_url", "secret_in_query"}
}

segments contains segment if {
	input.command.http
	some place in places
	some segment in split(lower(place), "/")
}

# `/admin.json` is `/admin` to servers that take the end for a form of answer.
segments contains stem if {
	input.command.http
	some place in places
	some segment in split(lower(place), "/")
	stem := split(segment, ".")[0]
	stem != ""
}

places contains input.command.http.path

# Where something is copied or moved to, and what a batch in the body asks for: the name begins with the host.
places contains substring(target.name, indexof(target.name, "/"), -1) if {
	some op in input.command.operations
	some target in op.targets
	target.type == "route"
	contains(target.name, "/")
}

admin := {
	"actuator", "admin", "adminer", "administrator", "manager", "phpmyadmin", "server-info", "server-status", "wp-admin",
}

insides := {
	".aws", ".env", ".git", ".hg", ".htaccess", ".htpasswd", ".ssh", ".svn", "heapdump", "web.config", "web-inf",
}
