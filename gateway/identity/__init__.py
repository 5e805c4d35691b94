"""Who somebody is: the principals of the configuration, their proofs, and patience with those who guess."""
