"""Sending the audit on: `follow` reads what is new, `shapes` makes events of it, a sink takes them, `exporter` goes round."""
