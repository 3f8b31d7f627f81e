"""Runs `paddle-pose export` under the script's name in articles about Paddle; see `--help`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose.cli import run

if __name__ == "__main__":
    run("export")
