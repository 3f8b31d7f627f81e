"""Commands: one parser per command, which imports the standard library only, so that `--help` answers at once."""

import sys
from typing import NoReturn

_OLD_PYTHON = """error: this is Python {}.{} ({}); paddle_pose needs Python 3.10 to 3.13.
Run it with a newer one: python3.12 train.py ..., or PYTHON=python3.12 make demo
"""


def run(command: "str | None" = None) -> "NoReturn":
    """Runs a command with the flags of this process, and exits with its status.

    Args:
        command: Name of the command; None takes it from the first argument of the process.

    Raises:
        SystemExit: Always; see `main.execute` for the statuses, 1 where this Python is too old.
    """
    if sys.version_info[:2] < (3, 10):
        sys.stderr.write(_OLD_PYTHON.format(*sys.version_info[:2], sys.executable))
        sys.exit(1)
    from paddle_pose.cli.main import execute

    sys.exit(execute(command, sys.argv[1:]))
