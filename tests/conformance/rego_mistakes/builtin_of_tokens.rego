package policies.p

deny contains {"code": "A", "reason": "no"} if io.jwt.decode(input.principal.name)[1].admin == true
