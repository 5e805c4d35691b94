"""Documents inside commands (JSON, YAML, forms): read strictly, bounded, refused where two readers could differ."""
