"""Metrics: how good a set of predicted poses is."""
