"""Evaluating networks and prediction files, and reporting the results."""
