"""Policies on disk and the one set that decides: `folder` reads, `checkout` asks git, `current` compiles, swaps and watches."""
