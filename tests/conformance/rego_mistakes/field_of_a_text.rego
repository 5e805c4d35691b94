package policies.p

deny contains {"code": "A", "reason": "no"} if input.principal.name.first == "ana"
