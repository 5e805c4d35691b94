"""`client.py KUBECONFIG DO WORD ...`: one thing done with Kubernetes' own client for Python in the namespace `t`.

Standard output is what came; who is refused ends with 1 and what the server said on standard error.
"""

from __future__ import annotations

import base64
import json
import sys

from kubernetes import client, config, watch
from kubernetes.stream import portforward, stream

NAMESPACE = "t"


def main(kubeconfig: str, do: str, *words: str) -> int:
    config.load_kube_config(kubeconfig)
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    match do:
        case "pods":
            print(*(pod.metadata.name for pod in core.list_namespaced_pod(NAMESPACE).items))
        case "deployments":
            print(len(apps.list_namespaced_deployment(NAMESPACE).items))
        case "secret":
            print(json.dumps(core.read_namespaced_secret(words[0], NAMESPACE).data))
        case "create":
            made = client.V1ConfigMap(metadata=client.V1ObjectMeta(name=words[0]), data={"a": "1"})
            print(core.create_namespaced_config_map(NAMESPACE, made).metadata.name)
        case "patch":
            print(core.patch_namespaced_config_map(words[0], NAMESPACE, {"data": {"a": "2"}}).data["a"])
        case "delete":
            print(core.delete_namespaced_config_map(words[0], NAMESPACE)["status"])
        case "watch":
            events = watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, timeout_seconds=60)
            for event in events:
                print(event["type"], event["object"].metadata.name, flush=True)
                if event["object"].metadata.name == words[0]:
                    break
        case "exec":
            return execute(core, *words)
        case "fetch":
            fetch(core, *words)
    return 0


def execute(core: client.CoreV1Api, *words: str) -> int:
    """A program in the pod `web`, with what is on standard input."""
    over = stream(
        core.connect_get_namespaced_pod_exec,
        "web",
        NAMESPACE,
        command=list(words),
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    given = sys.stdin.read()
    if given:
        over.write_stdin(given)
    over.run_forever(timeout=60)
    sys.stdout.write(over.read_stdout())
    sys.stderr.write(over.read_stderr())
    return int(over.returncode)


def fetch(core: client.CoreV1Api, pod: str, port: str) -> None:
    """What a server in a pod answers to one request, over a forwarded port."""
    forwarded = portforward(core.connect_get_namespaced_pod_portforward, pod, NAMESPACE, ports=port)
    near = forwarded.socket(int(port))
    near.setblocking(True)
    near.sendall(b"GET / HTTP/1.0\r\n\r\n")
    while data := near.recv(1 << 16):
        sys.stdout.write(base64.b64encode(data).decode() + "\n")
    near.close()
    if error := forwarded.error(int(port)):
        sys.exit(error)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except client.exceptions.ApiException as error:
        sys.exit(f"{error.status} {error.reason} {error.body}")
