"""The demonstration: a private PostgreSQL, the gateway before it, and one command for each verdict.

`binaries` finds PostgreSQL's programs, `sample` makes the data, `cluster` runs the server, `stage` sets everything up in
one temporary folder, `scenes` says what is shown, `check` plays it with a real psql; `parts` are what `--all` shows besides. Needs a checkout (policies/examples/demo).
Called by `gateway.cli.demo` only.
"""
