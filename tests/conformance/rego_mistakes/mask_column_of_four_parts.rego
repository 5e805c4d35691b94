package policies.p

mask contains {"code": "A", "columns": ["db.a.b.c"], "method": "null"} if input.resource.name == "orders"
