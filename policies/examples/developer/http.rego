# METADATA
# title: Developers on HTTP APIs
# description: |
#   The group `developers` reads, and writes outside production. In production a write waits for the group `sre`, and so does
#   a deletion everywhere. An API whose label `environment` is missing or misspelt is production. What reaches a metadata
#   service or an internal host through a value, overrides the method, leaves its path, opens a tunnel or was not understood
#   is denied.
package policies.examples.developer.http

allow contains {"code": "READ", "reason": "developers may read"} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		op.effect == "read"
	}
}

allow contains {"code": "WRITE", "reason": "developers may write outside production"} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		op.effect in {"read", "write", "create"}
	}
}

hold contains {
	"code": "PROD_WRITE",
	"reason": "somebody on call looks at every write in production",
	"hint": "keep the request open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	not input.resource.labels.environment in {"dev", "test", "staging"}
	understood
	some op in input.command.operations
	op.effect in {"write", "create"}
}

hold contains {
	"code": "DELETES",
	"reason": "this deletes something, by its method or by its name",
	"hint": "say in the ticket what is deleted and why",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	understood
	deletes
}

hold contains {
	"code": "CALLS",
	"reason": "a procedure or tool is called by name, and what it does is not known here",
	"hint": "an OpenAPI document of the API, or a rule for this method, would let it through",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	understood
	some op in input.command.operations
	op.kind in {"rpc_call", "mcp_tool_call"}
}

hold contains {
	"code": "READS_BUT_CHANGES",
	"reason": "this is a GET by its method, but its name says that it changes something",
	"hint": "use the method of the API that changes things",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	understood
	"names_change" in input.command.features
}

hold contains {
	"code": "UNSEEN_BODY",
	"reason": "the body is of a kind that is not read here",
	"hint": "send JSON or a form with its right Content-Type",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	count(input.command.problems) == 0
	not input.command.complete == true
	not "body_mismatch" in input.command.features
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "this request can be read in two ways, or its method is not known",
	"hint": "send it in a plainer way; the problems say what was refused",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	count(input.command.problems) > 0
}

deny contains {
	"code": "BODY_MISMATCH",
	"reason": "the body is not what its Content-Type says",
	"hint": "set `Content-Type: application/json` for JSON",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	"body_mismatch" in input.command.features
}

deny contains {
	"code": "INTERNAL_TARGET",
	"reason": "this asks for a metadata service or a host inside, directly or through a value",
	"hint": "name the resource you want to reach; it has a door of its own",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	some feature in input.command.features
	feature in {"metadata_host", "link_local_host", "url_to_internal"}
}

deny contains {
	"code": "PROXY_TO_INSIDE",
	"reason": "a whole URL with a host inside is asked for, as from a proxy",
	"hint": "ask the resource itself",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	input.command.http
	input.command.http.scheme
	"internal_host" in input.command.features
}

deny contains {
	"code": "LEAVES_PATH",
	"reason": "a value climbs out of its folder or names a file of the system",
	"hint": "name the object itself",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	some feature in input.command.features
	feature in {"dotdot_value", "control_character"}
}

deny contains {
	"code": "OVERRIDE",
	"reason": "a header or parameter asks for another method than the request line",
	"hint": "send the method itself",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	some feature in input.command.features
	feature in {"method_override", "underscore_header"}
}

deny contains {
	"code": "TUNNEL",
	"reason": "a connection would be opened of which nothing is seen",
	"hint": "ask for a resource of the right protocol",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.kind in {"connect", "upgrade"}
}

deny contains {
	"code": "SECRET_IN_URL",
	"reason": "a password, token or key stands in the URL, where logs and others keep it",
	"hint": "send it in a header; the gateway brings the credential of the target itself",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	some feature in input.command.features
	feature in {"access_token", "credentials_in_url", "secret_in_query"}
}

deny contains {
	"code": "ADMIN_ROUTE",
	"reason": "this path administers the service or shows its insides",
	"hint": "ask whoever runs the service",
} if {
	input.command.protocol == "http"
	"developers" in input.principal.groups
	input.command.http
	some segment in split(lower(input.command.http.path), "/")
	segment in {
		".aws", ".env", ".git", ".htaccess", ".htpasswd", ".ssh", ".svn", "actuator", "adminer", "admin", "administrator",
		"phpmyadmin", "server-info", "server-status", "web.config", "wp-admin",
	}
}

understood if {
	input.command.complete == true
	count(input.command.problems) == 0
}

deletes if {
	some op in input.command.operations
	op.effect == "delete"
}

deletes if "names_deletion" in input.command.features
