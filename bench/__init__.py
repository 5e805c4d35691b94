"""What the promises in `budgets.toml` are measured with. Needs a checkout; `README.md` says how to read the numbers."""
