"""Backends, which run a network: uint8 images in, maps out."""
