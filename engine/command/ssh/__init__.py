"""What an SSH client asks for besides commands, as trees: forwardings, subsystems, operations on files over SFTP."""
