"""Pose networks in Paddle, from raw uint8 RGB images to a dictionary of maps, and their losses."""
