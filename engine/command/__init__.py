"""What somebody asked to run, as one tree. `tree` is the shape, one folder for each language that is read into it."""
