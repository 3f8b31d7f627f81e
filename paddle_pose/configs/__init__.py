"""Configs: one file per paper, every number of a recipe with its source."""
