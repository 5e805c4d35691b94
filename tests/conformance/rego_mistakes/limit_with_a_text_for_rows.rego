package policies.p

limit contains {"code": "A", "type": "rows", "value": "many"} if input.resource.name == "orders"
