package policies.p

mask contains {"code": "A", "columns": ["a.b.c"], "method": "blur"} if input.resource.name == "orders"
