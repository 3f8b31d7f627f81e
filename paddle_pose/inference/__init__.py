"""Inference: evaluating and predicting through any backend; no Paddle."""
