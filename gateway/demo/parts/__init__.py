"""What `sallyport demo --all` shows beside PostgreSQL: a machine over SSH, an HTTP API, a cluster; each if this machine has what it needs."""
