package policies["prod-writes"]

deny contains {"code": "A", "reason": "no"} if input.resource.name == "orders"
