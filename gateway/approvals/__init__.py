"""Holds: a command waits until named people say yes to exactly it. `states` is the rule, `store` the memory, `notify` the bell."""
