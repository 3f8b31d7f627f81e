"""Readers of weights files, one module per format. Nothing in a file is executed."""
