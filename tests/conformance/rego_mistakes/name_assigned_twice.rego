package policies.p

deny contains {"code": "A", "reason": "no"} if {
	name := input.resource.name
	name := input.principal.name
}
