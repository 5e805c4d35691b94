package policies.p

deny contains {"code": "NOBODY", "reason": "no group"} if {
	some input in input.principal.groups
	input == "nobody"
}

deny contains {"code": "OLD", "reason": "old"} if is_old(input.session)

is_old(input) if input.command_number > 100
