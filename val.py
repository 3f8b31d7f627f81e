"""Runs `paddle_pose val`; `python val.py --help` explains it."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("val")
