"""Training: optimising, logging and saving; knows nothing of poses."""
