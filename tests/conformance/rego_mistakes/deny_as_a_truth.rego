package policies.p

deny := true if input.resource.name == "orders"
