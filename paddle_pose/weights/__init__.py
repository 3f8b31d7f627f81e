"""Weights: reading published files without executing them, under our names; no Paddle."""
