"""The policy language of `.gate` files: text to tree, tree to meaning, meaning to Rego, and back to text.

`parser` reads, `resolver` gives names and types, `lower` writes Rego, `printer` writes `.gate` text, `reference` says
plainly what a policy means. docs/language.md is the language; called by `compiler/stages.py` and `suite`.
"""
