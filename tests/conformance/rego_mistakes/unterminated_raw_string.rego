package policies.p

deny contains {"code": "A", "reason": "no"} if input.resource.name == `orders
