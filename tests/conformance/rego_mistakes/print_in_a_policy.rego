package policies.p

deny contains {"code": "A", "reason": "no"} if {
	print(input.principal.name)
	input.resource.name == "orders"
}
