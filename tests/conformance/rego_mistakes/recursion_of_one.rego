package policies.p

deny contains {"code": "A", "reason": "no"} if again(input.resource.name)

again(name) if again(lower(name))
