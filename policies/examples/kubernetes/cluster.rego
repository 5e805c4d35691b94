# METADATA
# title: Viewers, developers and people on call on a cluster
# description: |
#   `viewers` read everything but secrets. `developers` and `sre` also change workloads and run programs outside production;
#   in production a change, and whatever reaches into a container, waits for the group `sre`. A cluster whose label
#   `environment` is missing or misspelt is production. Pods that take the node, access, secrets, proxies to kubelets,
#   namespaces, volumes and whole collections are denied to everybody here; so is everything nobody could read.
package policies.examples.kubernetes.cluster

allow contains {"code": "READ", "reason": "reading is open to your role, secrets excepted"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"viewers", "developers", "sre"}
	input.command.complete == true
	count(input.command.operations) > 0
	every op in input.command.operations {
		reads(op)
	}
}

allow contains {"code": "CHANGE", "reason": "developers change what they run outside production"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	every op in input.command.operations {
		reads_or_changes(op)
	}
}

allow contains {"code": "LOOK_INSIDE", "reason": "programs that only look may run in a container"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.command.complete == true
	every op in input.command.operations {
		looks_inside(op)
	}
}

allow contains {"code": "RUN_INSIDE", "reason": "developers run programs in containers outside production"} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	every op in input.command.operations {
		runs_inside(op)
	}
}

hold contains {
	"code": "PROD_CHANGE",
	"reason": "somebody on call looks at every change in production",
	"hint": "keep this session open: it goes on by itself when the ticket is approved",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	not input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	some op in input.command.operations
	op.effect in {"write", "create", "delete"}
	every one in input.command.operations {
		reads_or_changes(one)
	}
}

hold contains {
	"code": "REACHES_IN",
	"reason": "this runs something in a container or opens a way into one",
	"hint": "say in the ticket what you are going to do there",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	count(input.command.problems) == 0
	some op in input.command.operations
	op.kind in {"exec", "attach", "port_forward", "ephemeral_container"}
	not only_looks
	not runs_outside_production
}

hold contains {
	"code": "UNSEEN",
	"reason": "part of this stands in a file or is computed, so nobody has seen it yet",
	"hint": "write names out, and send manifests through the gateway, where their contents are seen",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	count(input.command.problems) == 0
	not input.command.complete == true
	every op in input.command.operations {
		reads_or_changes_something(op)
	}
}

hold contains {
	"code": "CLUSTER_CHANGE",
	"reason": "this changes something the whole cluster shares, or gives narrow rights in a namespace",
	"hint": "say in the ticket who needs it",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "1h",
} if {
	input.command.protocol == "kubernetes"
	some group in input.principal.groups
	group in {"developers", "sre"}
	input.command.complete == true
	some op in input.command.operations
	is_shared(op)
	every one in input.command.operations {
		reads_changes_or_shares(one)
	}
}

hold contains {
	"code": "ELSEWHERE",
	"reason": "this goes to another cluster, server or proxy than the one it is judged for, or touches files where kubectl runs",
	"hint": "leave --context, --server and files out: the gateway leads to the clusters that are open to you",
	"approvers": {"groups": ["sre"], "quorum": 1},
	"expires": "15m",
} if {
	input.command.protocol == "kubernetes"
	known
	input.command.complete == true
	some sign in input.command.features
	sign in {"local_file", "other_cluster"}
	every op in input.command.operations {
		is_ordinary(op)
	}
}

mask contains {
	"code": "VALUES",
	"reason": "the answer to a change of a secret shows the whole secret: its values are hidden",
	"method": "redact",
	"paths": ["$.data.*", "$.stringData.*"],
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.kubernetes.resource == "secrets"
	some target in op.targets
	target.access == "read"
}

deny contains {
	"code": "NOT_UNDERSTOOD",
	"reason": "this request is not canonical, or part of it could not be read",
	"hint": "write it in a plainer way; the problems say what was refused",
} if {
	input.command.protocol == "kubernetes"
	known
	count(input.command.problems) > 0
}

deny contains {
	"code": "SECRETS",
	"reason": "secrets are not read through this door",
	"hint": "mount the secret into the pod that needs it; `kubectl describe` names it without its value",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.kubernetes
	op.kubernetes.resource
	op.kubernetes.resource in {"secrets", "?"}
	op.effect == "read"
}

deny contains {
	"code": "PRIVILEGED",
	"reason": "a pod would get rights on the node itself: privileged, its namespaces, its files or its capabilities",
	"hint": "leave privileged, host namespaces, hostPath and added capabilities out",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.kubernetes
	op.kubernetes.pods
	takes_the_node(op)
}

deny contains {
	"code": "ACCESS",
	"reason": "roles, bindings, tokens, certificates and acting as somebody else are not for this door",
	"hint": "change access in git, where two people review it",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.effect == "grant"
	not gives_little(op)
}

deny contains {
	"code": "NODE_PROXY",
	"reason": "this goes around the API server: to a kubelet, or to everything a pod or service listens on",
	"hint": "use exec, logs or port-forward on the pod itself",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.kind in {"proxy", "api_proxy", "server_call"}
}

deny contains {
	"code": "DESTROYS",
	"reason": "namespaces, volumes, nodes, definitions and whole collections are not deleted here",
	"hint": "delete the one object you mean by its name, or ask for it in git",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.effect == "delete"
	op.kubernetes
	destroys(op.kubernetes)
}

deny contains {
	"code": "SYSTEM_NAMESPACE",
	"reason": "what runs the cluster itself is not changed through this door",
	"hint": "work in your own namespace",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.effect != "read"
	op.kubernetes
	op.kubernetes.namespace
	op.kubernetes.namespace in {"kube-system", "kube-public", "kube-node-lease"}
}

deny contains {
	"code": "CLUSTER_WIDE",
	"reason": "webhooks, definitions, nodes and policies of the whole cluster are not changed through this door",
	"hint": "put it into git, where the people who run the cluster review it",
} if {
	input.command.protocol == "kubernetes"
	known
	some op in input.command.operations
	op.effect in {"write", "create"}
	op.kubernetes
	op.kubernetes.resource
	op.kubernetes.resource in cluster_wide
	not op.kubernetes.resource in shared
}

known if {
	some group in input.principal.groups
	group in {"viewers", "developers", "sre"}
}

reads(op) if {
	op.effect == "read"
	not reads_secrets(op)
}

reads_secrets(op) if op.kubernetes.resource in {"secrets", "?"}

reads_or_changes(op) if reads(op)

reads_or_changes(op) if {
	op.kind in {"create", "update", "patch", "apply", "scale", "delete", "deletecollection", "evict", "cordon", "client_config"}
}

# What a container is told to run by the change that makes it.
reads_or_changes(op) if {
	"exec" in op.via
	op.effect in {"session", "execute", "create", "write"}
}

reads_or_changes_something(op) if reads_or_changes(op)

reads_or_changes_something(op) if op.kind == "client_file"

# What a rule of this file allows somewhere, so that it may wait where it goes elsewhere.
is_ordinary(op) if reads(op)

is_ordinary(op) if {
	changes_things
	goes_on(op)
}

goes_on(op) if reads_or_changes(op)

goes_on(op) if runs_inside(op)

goes_on(op) if op.kind == "client_write"

changes_things if {
	some group in input.principal.groups
	group in {"developers", "sre"}
}

looks_inside(op) if {
	op.kind == "exec"
	count(op.kubernetes.argv) > 0
	op.kubernetes.argv[0] in looking
}

# What the program itself is seen to do, once the exec of it is one that looks.
looks_inside(op) if {
	"exec" in op.via
	op.effect in {"read", "session", "execute"}
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

runs_outside_production if {
	input.resource.labels.environment in {"dev", "test", "staging"}
	input.command.complete == true
	every op in input.command.operations {
		runs_inside(op)
	}
}

looking := {
	"date", "df", "du", "free", "hostname", "id", "ls", "mount", "netstat", "nproc", "nslookup", "pgrep", "ps", "pwd", "ss",
	"stat", "uname", "uptime", "wc", "whoami",
}

is_shared(op) if gives_little(op)

is_shared(op) if {
	op.effect in {"write", "create"}
	op.kubernetes.resource in shared
}

reads_changes_or_shares(op) if reads_or_changes(op)

reads_changes_or_shares(op) if gives_little(op)

# A role of one namespace without wildcards, without what reads secrets, runs programs or hands rights on.
gives_little(op) if {
	op.kind == "change_access"
	op.kubernetes.resource == "roles"
	count(op.kubernetes.rbac.wildcards) == 0
	count(op.kubernetes.rbac.strong_verbs) == 0
	every resource in op.kubernetes.rbac.resources {
		not resource in strong_resources
	}
}

gives_little(op) if {
	op.kind == "change_access"
	op.kubernetes.resource == "rolebindings"
	startswith(op.kubernetes.rbac.role, "Role/")
	every subject in op.kubernetes.rbac.subjects {
		startswith(subject, "ServiceAccount:")
	}
}

strong_resources := {
	"pods/attach", "pods/ephemeralcontainers", "pods/exec", "pods/portforward", "pods/proxy", "nodes/proxy", "roles",
	"rolebindings", "secrets", "serviceaccounts/token", "services/proxy",
}

shared := {"namespaces", "persistentvolumes", "priorityclasses", "storageclasses"}

cluster_wide := {
	"apiservices", "certificatesigningrequests", "csidrivers", "customresourcedefinitions", "mutatingadmissionpolicies",
	"mutatingadmissionpolicybindings", "mutatingwebhookconfigurations", "namespaces", "nodes", "persistentvolumes",
	"podsecuritypolicies", "priorityclasses", "runtimeclasses", "storageclasses", "validatingadmissionpolicies",
	"validatingadmissionpolicybindings", "validatingwebhookconfigurations",
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

destroys(facts) if facts.is_all == true

destroys(facts) if facts.resource in cluster_wide

destroys(facts) if facts.resource in {"persistentvolumeclaims", "?"}
