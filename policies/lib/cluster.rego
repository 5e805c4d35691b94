# METADATA
# title: What operations on a cluster are
# description: |
#   One operation or a whole command at a time: does it read, change workloads, run something, take the node, destroy?
#   `unknown` never counts as any of these.
package policies.lib.cluster

has_role if {
	some group in input.principal.groups
	group in {"viewers", "developers", "sre"}
}

may_change if {
	some group in input.principal.groups
	group in {"developers", "sre"}
}

# The whole command reads, and was seen to the bottom. `?` is a resource that nobody could name.
only_reads if {
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		reads(op)
	}
}

only_reads if reads_masked_secrets

reads(op) if {
	op.effect == "read"
	not reads_secrets(op)
}

reads_secrets(op) if {
	op.effect == "read"
	op.kubernetes.resource in {"secrets", "?"}
}

# Nothing but secrets is read, where their values are hidden (`kubernetes/masks`).
reads_masked_secrets if {
	input.resource.labels.secrets == "masked"
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		op.kind in {"get", "list", "watch"}
		op.kubernetes.resource == "secrets"
	}
}

reads_or_changes(op) if reads(op)

reads_or_changes(op) if op.kind in changing

# What a container is told to run by the change that makes it.
reads_or_changes(op) if {
	"exec" in op.via
	op.effect in {"session", "execute", "create", "write"}
}

changing := {
	"apply", "client_config", "cordon", "create", "delete", "deletecollection", "evict", "patch", "scale", "update",
}

# What a policy of the library allows somewhere, so that it may wait where it goes elsewhere.
is_ordinary(op) if reads(op)

is_ordinary(op) if {
	may_change
	goes_on(op)
}

goes_on(op) if reads_or_changes(op)

goes_on(op) if runs_inside(op)

goes_on(op) if op.kind == "client_write"

changes_something if {
	some op in input.command.operations
	op.effect in {"write", "create", "delete"}
}

only_changes if {
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		reads_or_changes(op)
	}
}

only_runs if {
	input.command.complete == true
	every op in input.command.operations {
		runs_inside(op)
	}
}

runs_inside(op) if op.kind == "exec"

runs_inside(op) if {
	"exec" in op.via
	op.effect in {"read", "session", "execute", "create", "write"}
}

only_looks if {
	input.command.complete == true
	every op in input.command.operations {
		looks_inside(op)
	}
}

looks_inside(op) if {
	op.kind == "exec"
	count(op.kubernetes.argv) > 0
	op.kubernetes.argv[0] in looking
}

# A line of a shell (a guarded one's too) of which every program only looks.
looks_inside(op) if {
	op.kind == "exec"
	count(op.kubernetes.argv) == 3
	op.kubernetes.argv[0] in {"bash", "sh", "/bin/bash", "/bin/sh"}
	op.kubernetes.argv[1] == "-c"
	every one in input.command.operations {
		looks_in_a_line(one)
	}
}

looks_in_a_line(one) if one.kind == "exec"

looks_in_a_line(one) if {
	"exec" in one.via
	one.effect in {"read", "session"}
	one.shell.program in {"cd", "echo", "exit", "false", "true"} | looking
	every sign in one.shell.signs {
		sign == "system_discovery"
	}
	count(one.shell.env) == 0
}

# What the program itself is seen to do, once the exec of it is one that looks.
looks_inside(op) if {
	"exec" in op.via
	op.effect in {"read", "session", "execute"}
}

runs_outside_production if {
	input.resource.labels.environment in {"dev", "test", "staging"}
	only_runs
}

reaches_in if {
	some op in input.command.operations
	op.kind in {"exec", "attach", "port_forward", "ephemeral_container"}
}

looking := {
	"date", "df", "du", "free", "hostname", "id", "ls", "mount", "netstat", "nproc", "nslookup", "pgrep", "ps", "pwd", "ss",
	"stat", "uname", "uptime", "wc", "whoami",
}

takes_the_node(op) if op.kubernetes.pods.privileged == true

takes_the_node(op) if op.kubernetes.pods.host_network == true

takes_the_node(op) if op.kubernetes.pods.host_pid == true

takes_the_node(op) if op.kubernetes.pods.host_ipc == true

takes_the_node(op) if op.kubernetes.pods.unconfined == true

takes_the_node(op) if count(op.kubernetes.pods.host_paths) > 0

takes_the_node(op) if count(op.kubernetes.pods.node_names) > 0

takes_the_node(op) if {
	some capability in op.kubernetes.pods.capabilities
	not debugs(op, capability)
	not capability in {
		"AUDIT_WRITE", "CHOWN", "FOWNER", "FSETID", "IPC_LOCK", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID",
		"SYS_RESOURCE",
	}
}

# What `kubectl debug` gives its container in a running pod unless it is told otherwise. That waits all the same.
debugs(op, capability) if {
	op.kind == "ephemeral_container"
	capability == "SYS_PTRACE"
}

gives_everything(op) if count(op.kubernetes.rbac.wildcards) > 0

gives_everything(op) if count(op.kubernetes.rbac.strong_verbs) > 0

gives_everything(op) if op.kubernetes.rbac.role in {"ClusterRole/admin", "ClusterRole/cluster-admin", "ClusterRole/edit"}

destroys(op) if op.kubernetes.is_all == true

destroys(op) if op.kubernetes.resource in cluster_wide

destroys(op) if op.kubernetes.resource in {"persistentvolumeclaims", "?"}

is_of_the_cluster(op) if op.kubernetes.namespace in {"kube-system", "kube-public", "kube-node-lease"}

is_of_the_cluster(op) if op.kubernetes.resource in cluster_wide

destroys_or_is_of_the_cluster(op) if {
	op.effect == "delete"
	destroys(op)
}

destroys_or_is_of_the_cluster(op) if {
	op.effect in {"create", "write", "delete"}
	is_of_the_cluster(op)
}

cluster_wide := {
	"apiservices", "certificatesigningrequests", "csidrivers", "customresourcedefinitions", "mutatingadmissionpolicies",
	"mutatingadmissionpolicybindings", "mutatingwebhookconfigurations", "namespaces", "nodes", "persistentvolumes",
	"podsecuritypolicies", "priorityclasses", "runtimeclasses", "storageclasses", "validatingadmissionpolicies",
	"validatingadmissionpolicybindings", "validatingwebhookconfigurations",
}
