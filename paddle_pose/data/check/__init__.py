"""Check of a data set before training: each problem with its file, its records and a fix."""
