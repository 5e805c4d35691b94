"""A configuration on disk that a whole gateway can be built from, without a database server or a fixed port."""

from __future__ import annotations

from pathlib import Path

ENVIRONMENT = {"ANA_PASSWORD": "a password of tests", "DB_PASSWORD": "another one"}

POLICY = """package policies.shop

allow contains {"code": "READ", "reason": "reading"} if {
	"data-readers" in input.principal.groups
	every op in input.command.operations { op.effect == "read" }
}

hold contains {"code": "WRITE", "reason": "a DBA looks at it", "approvers": {"groups": ["dba"]}, "expires": "10m"} if {
	some op in input.command.operations
	op.effect in {"write", "delete"}
}
"""

CONFIGURATION = """
[policies]
path = "policies"
watch_seconds = 0

[audit]
low_water_bytes = 1048576

[[resource]]
name = "orders"
protocol = "postgres"
address = "127.0.0.1:1"
role = "gateway"
credential = "env:DB_PASSWORD"
labels = { environment = "prod" }

[[listener]]
protocol = "postgres"
bind = "127.0.0.1:0"

[[rpc.socket]]
path = "bo.sock"
principal = "bo"

[[rpc.socket]]
path = "app.sock"
principal = "app"

[[identity.principal]]
name = "ana"
kind = "agent"
groups = ["data-readers"]
password = "env:ANA_PASSWORD"

[[identity.principal]]
name = "bo"
groups = ["dba"]
roles = ["approver", "auditor"]

[[identity.principal]]
name = "app"
kind = "service"
roles = ["adapter"]

[metrics]
bind = "127.0.0.1:0"
"""


def settle_in(folder: Path) -> Path:
    """Write configuration and policies; returns the configuration's file."""
    (folder / "policies").mkdir()
    (folder / "policies" / "shop.rego").write_text(POLICY)
    file = folder / "sallyport.toml"
    file.write_text(CONFIGURATION)
    return file
