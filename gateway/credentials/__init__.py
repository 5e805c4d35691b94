"""The secrets of targets and principals, fetched from where the configuration says they are. Never kept in a file of ours."""
