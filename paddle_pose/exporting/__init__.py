"""Writing a network as a file that runs without this package, and verifying it."""
