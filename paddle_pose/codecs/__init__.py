"""Codecs: encode keypoints as target maps and decode predicted maps to keypoints, in NumPy."""
