package policies.p

deny contains {"code": "A", "reason": "no"} if left

left if right

right if left
