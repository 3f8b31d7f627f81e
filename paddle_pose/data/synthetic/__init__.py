"""Synthetic people: drawn images with exact joints, for tests and a first run."""
