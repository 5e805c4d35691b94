"""The demonstration with a team of agents: AutoGen's, with a replayed model, whose tools all go through the gateway.

`team` is the team; it runs in AutoGen's own virtual environment (`environment`) and imports nothing of ours. `host` is a real
sshd, `stage` the files of one run, `story` what must be seen, `playing` runs it. Called by `gateway.cli.demo --autogen`.
"""
