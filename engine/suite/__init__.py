"""Policies tried out: suites of cases, and requests stated line by line. Texts come in as arguments, nothing is read here."""
