# METADATA
# title: Who is who
# description: |
#   The groups that the policies about PostgreSQL speak of. Your identity provider calls them otherwise? Change them
#   here and nowhere else. Somebody in none of these groups is denied everything.
package policies.lib.roles

# May read rows, and nothing else.
readers := {"data-readers"}

# May read rows and change them; changes in production wait for an administrator's approval.
writers := {"developers"}

# May change anything that no guard forbids to everybody; what cannot be undone waits for a second administrator.
administrators := {"dba"}

# See personal data unmasked.
trusted_with_personal_data := {"pii-readers"}

known := (readers | writers) | administrators

is_reader if {
	some group in input.principal.groups
	group in readers
}

is_writer if {
	some group in input.principal.groups
	group in writers
}

is_administrator if {
	some group in input.principal.groups
	group in administrators
}

is_known if {
	some group in input.principal.groups
	group in known
}

may_see_personal_data if {
	some group in input.principal.groups
	group in trusted_with_personal_data
}
