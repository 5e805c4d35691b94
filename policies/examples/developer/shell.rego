# METADATA
# title: Developers in shells
# description: |
#   The group `developers` looks, builds, tests, commits and changes files of its own. What removes, publishes, installs, runs
#   elsewhere, with other rights or unseen waits for the group `operators`; what hands out shells, hides traces, starts by itself or
#   destroys machines is denied. Signs and kinds: docs/commands.md.
package policies.examples.developer.shell

allow contains {"code": "ORDINARY", "reason": "developers may look, build, change their own files and ask servers"} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		ordinary(op)
	}
}

# What nobody can see to the bottom a person may still read: the exact text is what is approved.
hold contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "part of this command could not be seen: code in an argument, a dynamic command, or no shell text at all",
	"hint": "write it in a plainer way, or put the code into a file of the project",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	not input.command.complete == true
	"developers" in input.principal.groups
}

hold contains {
	"code": "UNLISTED",
	"reason": "an operator looks at programs that nobody listed",
	"hint": "ask for the program to be listed",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	not ordinary(op)
}

# A comment, a blank line: no rule may call that ordinary, or what nobody saw would be allowed because nothing was seen.
deny contains {
	"code": "NOTHING_RUNS",
	"reason": "nothing in this text runs: it is blank or a comment",
	"hint": "send the command itself",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	every op in input.command.operations {
		op.kind == "empty"
	}
}

deny contains {
	"code": "UNREADABLE",
	"reason": "this text holds characters that nobody sees, or is nested too deeply to be read",
	"hint": "type it again in plain characters",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some problem in input.command.problems
	problem.code in {"control_character", "not_utf8", "nul_byte", "too_complex", "too_deep", "too_long", "too_many_operations"}
}

deny contains {
	"code": "WHOLE_TREE",
	"reason": "this removes everything below a root, a home, a system folder or the working folder",
	"hint": "name the files you mean",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"whole_tree"}
}

deny contains {
	"code": "DEVICE",
	"reason": "this writes to a disk or device itself",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"raw_device"}
}

deny contains {
	"code": "EXHAUSTION",
	"reason": "this fills disks, memory or process tables",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"resource_exhaustion"}
}

deny contains {
	"code": "POWER",
	"reason": "this shuts machines down",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"power_change"}
}

hold contains {
	"code": "DELETES",
	"reason": "an operator looks at what is removed",
	"hint": "remove single files by name, without -r, those are free",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"bulk_delete", "outside_delete", "dynamic_delete"}
}

hold contains {
	"code": "VERB",
	"reason": "an operator looks at verbs after which something is gone",
	"hint": "look first: list, describe, plan, diff are free",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"destructive_verb", "kills_processes"}
}

hold contains {
	"code": "HISTORY",
	"reason": "an operator looks at what throws away work or history",
	"hint": "commit or stash first",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"rewrites_history"}
}

hold contains {
	"code": "PUBLISHES",
	"reason": "an operator looks at what becomes public or live",
	"hint": "use a branch and the pipeline",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"publishes"}
}

deny contains {
	"code": "REVERSE_SHELL",
	"reason": "this hands a shell to a connection",
	"hint": "use the bastion",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"reverse_shell", "network_redirect"}
}

deny contains {
	"code": "DOWNLOAD_AND_RUN",
	"reason": "this runs what it fetches",
	"hint": "fetch it, read it, then run the file",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"download_and_run"}
}

deny contains {
	"code": "EXFILTRATION",
	"reason": "this sends files or secrets away",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"exfiltration"}
}

hold contains {
	"code": "REMOTE",
	"reason": "an operator looks at what runs elsewhere, listens, sends or does not check the server",
	"hint": "work on this machine",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"remote_run", "listens", "sends_data", "unverified_server"}
}

deny contains {
	"code": "PERSISTENCE",
	"reason": "this makes something start by itself",
	"hint": "put it into the configuration of the machine",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"persistence"}
}

deny contains {
	"code": "TRACES",
	"reason": "this removes or forges logs and histories",
	"hint": "leave them",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"trace_removal"}
}

deny contains {
	"code": "PROTECTION",
	"reason": "this switches off something that protects",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"protection_off"}
}

deny contains {
	"code": "KERNEL",
	"reason": "this changes the kernel or the boot",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"kernel_change"}
}

deny contains {
	"code": "ESCAPE",
	"reason": "this gives a container the host",
	"hint": "run it without rights of the host",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"container_escape"}
}

deny contains {
	"code": "CAPTURES",
	"reason": "this records keystrokes, screens or traffic",
	"hint": "ask an operator",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"captures_input"}
}

hold contains {
	"code": "PRIVILEGE",
	"reason": "an operator looks at what runs with other rights",
	"hint": "try it without",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"privilege_change", "permissions_opened", "account_change"}
}

hold contains {
	"code": "CREDENTIALS",
	"reason": "an operator looks at what touches keys and passwords",
	"hint": "use the gateway, it brings its own",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"credential_read", "credential_shown", "credential_write"}
}

hold contains {
	"code": "SYSTEM",
	"reason": "an operator looks at what changes the system",
	"hint": "ask an operator to do it",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"service_change", "system_write"}
}

hold contains {
	"code": "DISCOVERY",
	"reason": "an operator looks at what lists accounts, processes and settings of the system",
	"hint": "look at your own files",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"system_discovery"}
}

hold contains {
	"code": "INSTALLS",
	"reason": "an operator looks at packages that run code when they are installed",
	"hint": "use what is in the lock file",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"installs_packages"}
}

hold contains {
	"code": "VARIABLES",
	"reason": "an operator looks at variables that change what programs run, and at names and spellings that hide it",
	"hint": "call the program by its name",
	"approvers": {"groups": ["operators"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "shell"
	"developers" in input.principal.groups
	some op in input.command.operations
	op.shell.signs
	some sign in op.shell.signs
	sign in {"execution_variable", "odd_path", "obfuscated"}
}

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
