"""Runs `paddle_pose export`; `python export.py --help` explains it."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("export")
