"""How much one call may ask of the service. Every buffer that a caller fills has its limit here, with its reason."""

from __future__ import annotations

# One command text, as everywhere in Sallyport.
MAX_TEXT = 1 << 20
# One message: a text, its parameters and a catalog. Larger ones are refused by us, with an audit entry.
MAX_MESSAGE = 4 << 20
# WHY: the transport has a limit of its own above ours, so that what is only a little too large still gets our answer;
# what is larger than this is never read into memory.
MAX_TRANSPORT_MESSAGE = 8 << 20
# Headers of one call; ours are small.
MAX_METADATA = 16 << 10
# Nesting of a `Value`: deeper context than this is nothing that policies read.
MAX_DEPTH = 16
# Values in one message, nested ones included.
MAX_VALUES = 10_000
# Commands in one batch.
MAX_BATCH = 256
# PostgreSQL's own limit on parameters of a statement.
MAX_PARAMETERS = 65_535
# Groups of a principal; labels of a resource.
MAX_GROUPS = 1_024
MAX_LABELS = 256
# Names of people, sessions, resources, rules: long enough for a SPIFFE id or an ARN.
MAX_NAME = 2_048
# A request id is a UUID or something like it.
MAX_REQUEST_ID = 128
# What somebody writes beside an approval.
MAX_COMMENT = 4_096
# What somebody looks for in texts: words, or a piece of a command.
MAX_SOUGHT = 4_096
# Operations and nested lists of a ready-made command.
MAX_OPERATIONS = 10_000
# Tickets or audit entries in one answer.
MAX_PAGE = 500
# Searches of the audit at a time, of all callers: each may read through much of it, and decisions are not to wait for them.
MAX_SEARCHES = 2
