"""`client.py PORT KEY HOSTS DO WORD ...`: one thing done with paramiko as ana on box; standard output is what came, the exit status the command's."""

from __future__ import annotations

import sys

import paramiko


def main(port: str, key: str, hosts: str, do: str, *words: str) -> int:
    client = paramiko.SSHClient()
    client.load_host_keys(hosts)
    client.connect("127.0.0.1", int(port), "ana+box", key_filename=key, look_for_keys=False, allow_agent=False)
    with client:
        match do:
            case "exec":
                given, out, error = client.exec_command(words[0])
                given.write(sys.stdin.read())
                given.channel.shutdown_write()
                sys.stdout.write(out.read().decode())
                sys.stderr.write(error.read().decode())
                return out.channel.recv_exit_status()
            case "put":
                client.open_sftp().put(*words)
            case "get":
                client.open_sftp().get(*words)
            case "connect":
                transport = client.get_transport()
                assert transport is not None
                with transport.open_channel("direct-tcpip", (words[0], int(words[1])), ("127.0.0.1", 0)) as channel:
                    while data := channel.recv(1 << 16):
                        sys.stdout.buffer.write(data)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, paramiko.SSHException) as error:
        sys.exit(f"{type(error).__name__}: {error}")
