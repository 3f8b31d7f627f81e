"""Pose networks: raw uint8 RGB images in, a dictionary of maps out."""
