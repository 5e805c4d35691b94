"""What principals and jobs did lately, and what kinds of jobs ever did: the numbers behind `input.context.activity`.

`windows` counts over time, `ledger` for principals and jobs, `touched` says what a command uses, `known` remembers what a kind
of job used before. Nothing here knows the gate or the audit: `gateway.counting` connects them.
"""
