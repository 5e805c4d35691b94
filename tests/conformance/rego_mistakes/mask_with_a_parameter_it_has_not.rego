package policies.p

mask contains {"code": "A", "columns": ["a.b.c"], "method": "null", "params": {"keep_last": 4}} if input.resource.name == "orders"
