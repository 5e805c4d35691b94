package policies.q

deny contains {"code": "A", "reason": "no"} if {
