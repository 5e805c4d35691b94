package policies.p

mask contains {"code": "A", "method": "null"} if input.resource.name == "orders"
