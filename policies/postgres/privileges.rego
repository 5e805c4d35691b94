# METADATA
# title: Who may do what is not changed in passing
# description: |
#   GRANT, REVOKE, roles, ownership, row security policies and default privileges are an administrator's work and wait for
#   a second one. Acting as another role is denied to everybody: the audit names who did something.
package policies.postgres.privileges

deny contains {
	"code": "PRIVILEGES",
	"reason": "this would change who may do what",
	"hint": "ask an administrator",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "grant"
	not "dba" in input.principal.groups
}

hold contains {
	"code": "PRIVILEGE_REVIEW",
	"reason": "a second administrator looks at every change of privileges",
	"approvers": {"groups": ["dba"], "quorum": 1},
	"expires": "1h",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	op.effect == "grant"
	"dba" in input.principal.groups
}

deny contains {
	"code": "OTHER_ROLE",
	"reason": "acting as another role would hide who did it",
	"hint": "connect as the identity you mean",
} if {
	input.command.protocol == "postgres"
	"role_change" in input.command.features
}

# The same by the setting's name: SET and set_config can spell it otherwise than SET ROLE.
deny contains {
	"code": "OTHER_ROLE_SETTING",
	"reason": "acting as another role would hide who did it",
	"hint": "connect as the identity you mean",
} if {
	input.command.protocol == "postgres"
	some op in input.command.operations
	some target in op.targets
	target.type == "setting"
	target.access != "read"
	target.name in {
		"role", "session_authorization",
	}
}

deny contains {
	"code": "SECURITY_DEFINER",
	"reason": "this would run with its owner's rights instead of its caller's",
	"hint": "use SECURITY INVOKER",
} if {
	input.command.protocol == "postgres"
	"security_definer" in input.command.features
	not "dba" in input.principal.groups
}
