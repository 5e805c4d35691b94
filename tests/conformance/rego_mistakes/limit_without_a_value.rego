package policies.p

limit contains {"code": "A", "type": "rows"} if input.resource.name == "orders"
