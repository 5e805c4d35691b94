package policies.p

deny contains {"code": "A", "reason": "no"} if start_with(input.resource.name, "prod-")
