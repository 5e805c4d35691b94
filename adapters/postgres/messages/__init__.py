"""What bytes mean on PostgreSQL's wire (protocol 3.0 and 3.2). Pure: bytes to values and back; no order of messages here.

`frames` the envelope, `startup` what comes before it, `authentication` passwords and SASL, `query` what clients send,
`results` what servers send, `notices` errors and notices, `conditions` the names of SQLSTATEs.
"""
