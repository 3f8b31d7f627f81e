"""Runs `paddle_pose.commands.export`; `python export.py --help` explains it."""

from paddle_pose.environment import run

if __name__ == "__main__":
    run("export")
