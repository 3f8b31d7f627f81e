"""Synthetic people: generated images with exact joints, for tests and a first run."""
