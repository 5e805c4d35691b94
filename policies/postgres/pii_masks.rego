# METADATA
# title: Personal data is masked
# description: |
#   Columns that are called like personal data come back masked, in every table. A resource without personal data says so
#   with the label `personal-data: none`; a label that is missing or misspelt leaves the masks on. Members of
#   `pii-readers` see the values.
package policies.postgres.pii_masks

mask contains {
	"code": "CARD_NUMBER",
	"reason": "card numbers show their last four digits",
	"columns": ["*.*.card_number", "*.*.card_no", "*.*.cardnumber", "*.*.pan", "*.*.credit_card*"],
	"method": "partial",
	"params": {"keep_last": 4},
} if {
	input.command.protocol == "postgres"
	not input.resource.labels["personal-data"] == "none"
	not "pii-readers" in input.principal.groups
}

mask contains {
	"code": "IDENTITY_NUMBER",
	"reason": "identity and tax numbers are not shown",
	"columns": [
		"*.*.ssn", "*.*.social_security*", "*.*.tax_id", "*.*.national_id", "*.*.passport*", "*.*.iban",
		"*.*.drivers_licen?e*",
	],
	"method": "redact",
} if {
	input.command.protocol == "postgres"
	not input.resource.labels["personal-data"] == "none"
	not "pii-readers" in input.principal.groups
}

mask contains {
	"code": "CONTACT",
	"reason": "mail addresses and telephone numbers are not shown",
	"columns": ["*.*.email", "*.*.e_mail", "*.*.email_address", "*.*.phone*", "*.*.mobile*", "*.*.telephone*"],
	"method": "redact",
} if {
	input.command.protocol == "postgres"
	not input.resource.labels["personal-data"] == "none"
	not "pii-readers" in input.principal.groups
}

mask contains {
	"code": "SECRET",
	"reason": "passwords, keys and tokens are never shown",
	"columns": [
		"*.*.password*", "*.*.passwd*", "*.*.*secret*", "*.*.*api_key*", "*.*.*private_key*", "*.*.*access_token*",
		"*.*.*refresh_token*",
	],
	"method": "null",
} if {
	input.command.protocol == "postgres"
	not input.resource.labels["personal-data"] == "none"
}
