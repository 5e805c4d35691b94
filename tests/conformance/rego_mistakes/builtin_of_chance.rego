package policies.p

deny contains {"code": "A", "reason": "no"} if rand.intn(input.principal.name, 2) == 1
