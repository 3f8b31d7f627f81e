"""Codecs: keypoints to maps and back, in NumPy."""
