# METADATA
# title: What counts as ordinary in a shell
# description: |
#   One operation at a time: a known sort of command, nothing noteworthy about it. `unknown` never is.
package policies.lib.shells

# What nobody needs to look at: a known sort of command without anything noteworthy about it.
ordinary(op) if {
	op.kind in quiet_kinds
	count(op.shell.signs) == 0
}

# A tool of verbs and resources that only looks.
ordinary(op) if {
	op.effect == "read"
	op.kind in {"cloud", "cluster", "container", "database", "infrastructure", "network_settings", "package", "schedule", "service"}
	count(op.shell.signs) == 0
}

# What a kubectl line asks of the API server and only looks. `?` is a resource that nobody could name.
ordinary(op) if {
	op.effect == "read"
	op.kubernetes.verb
	not op.kubernetes.resource in {"secrets", "?"}
}

# The project's own scripts, by a relative name.
ordinary(op) if {
	op.kind == "run_file"
	count(op.shell.signs) == 0
	every target in op.targets {
		own_or_not_run(target)
	}
}

# SQL that a client was given and that only reads.
ordinary(op) if {
	op.effect == "read"
	op.kind in {"select", "explain", "show"}
}

own_or_not_run(target) if target.access != "execute"

own_or_not_run(target) if {
	target.type == "file"
	not startswith(target.name, "/")
	not startswith(target.name, "~")
	not startswith(target.name, "$")
	not startswith(target.name, "..")
}

quiet_kinds := {
	"archive", "assign", "build", "call_function", "control", "copy_file", "create_file", "define_function", "delete_file",
	"empty", "fetch", "inspect", "move_file", "package", "print", "process", "redirect", "session", "compare",
	"version_control", "write_file",
}
