package policies.p

deny contains {"code": "A", "reason": "no"} if contains(input.command.text, "password")
