package policies.p

deny["A"] := "no" if input.resource.name == "orders"
