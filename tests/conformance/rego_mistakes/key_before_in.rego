package policies.p

deny contains {"code": "TAGGED", "reason": "tagged as production"} if {
	"env", "production" in input.resource.labels
}
