# METADATA
# title: What can be read in two ways is refused
# description: |
#   Paths that are not canonical, framing that two servers read differently, overridden methods, values that climb, bodies that are
#   not what they say.
package policies.http.spelling

import data.policies.lib.api

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "this request can be read in two ways, or its method is not known",
	"hint": "send it in a plainer way; the problems say what was refused",
} if {
	input.command.protocol == "http"
	count(input.command.problems) > 0
}

deny contains {
	"code": "OVERRIDE",
	"reason": "a header or parameter asks for another method than the request line",
	"hint": "send the method itself",
} if {
	input.command.protocol == "http"
	some feature in input.command.features
	feature in {"method_override", "underscore_header"}
}

deny contains {
	"code": "CLIMBS",
	"reason": "a value climbs out of its folder, names a file of the system or has line breaks",
	"hint": "name the object itself",
} if {
	input.command.protocol == "http"
	some feature in input.command.features
	feature in {"dotdot_value", "control_character"}
}

deny contains {
	"code": "BODY_MISMATCH",
	"reason": "the body is not what its Content-Type says, or has keys that differ in case only",
	"hint": "set the right Content-Type, and write each key once",
} if {
	input.command.protocol == "http"
	some feature in input.command.features
	feature in {"body_mismatch", "keys_differ_in_case"}
}

deny contains {
	"code": "UNSEEN_BODY",
	"reason": "the body is of a kind that is not read here",
	"hint": "send JSON or a form with its right Content-Type",
} if {
	input.command.protocol == "http"
	not input.command.complete == true
	not "sre" in input.principal.groups
}
