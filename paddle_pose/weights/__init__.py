"""Weights files: reading without executing them, conversion of tensor names, writing; no Paddle."""
