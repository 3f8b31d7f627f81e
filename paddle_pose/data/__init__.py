"""Data for training and evaluation: annotations, windows, augmentation and loading; no Paddle."""
