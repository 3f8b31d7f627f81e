"""Functions behind the public API and the commands: they take typed arguments and return results.

They raise errors and log to the logger `paddle_pose`; only `cli` prints and ends the process.
"""
