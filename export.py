"""Exports a checkpoint: the command `paddle-pose export`; see `python export.py --help`."""

from paddle_pose.cli import run

if __name__ == "__main__":
    run("export")
