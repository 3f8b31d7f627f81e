"""Training loop, optimizers, logging and checkpoints; independent of poses except for targets."""
