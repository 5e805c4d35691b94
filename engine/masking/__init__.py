"""How results are rewritten: which output by which method (`plan`), and what each method does (`transforms`)."""
