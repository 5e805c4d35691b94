package policies.p

deny contains {"reason": "no"} if input.resource.name == "orders"
