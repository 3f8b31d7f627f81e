"""Evaluation of networks and prediction files, and reports of the results."""
