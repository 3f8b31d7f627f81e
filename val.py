"""Evaluates a network or a file of predictions: `paddle-pose val`; see `python val.py --help`."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("val")
