"""Backends: whatever turns uint8 images into maps."""
