package policies.p

deny contains {"code": "A", "reason": "no"} if startswith(input.resource.name)
