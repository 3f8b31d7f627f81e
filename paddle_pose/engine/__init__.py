"""The functions of the public API and of the commands: typed arguments in, results out."""
