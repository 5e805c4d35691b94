package policies.p

deny contains {"code": "A", "reason": "no"} if {
	some name
	data.policies[name].allow
}
