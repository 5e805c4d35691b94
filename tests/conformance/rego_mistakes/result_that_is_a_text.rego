package policies.p

deny contains "no" if input.resource.name == "orders"
