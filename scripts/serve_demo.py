"""Runs `paddle_pose.commands.serve_demo`; `--help` explains it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose.environment import run

if __name__ == "__main__":
    run("serve_demo")
