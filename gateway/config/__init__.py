"""The configuration: one TOML file, every key also an environment variable, every mistake told with its line.

`model` is what there is to say, `reading` makes it from a file, `places` knows the lines, `check` says what does not fit
together. Nothing here opens a socket, a database or a secret.
"""

from gateway.config.model import Auth, Config, Listener, Local, Resource, TlsMode
from gateway.config.reading import Problem, load_config, read_config

__all__ = ["Auth", "Config", "Listener", "Local", "Problem", "Resource", "TlsMode", "load_config", "read_config"]
