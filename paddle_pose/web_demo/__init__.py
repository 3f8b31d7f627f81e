"""The page in the browser that runs a MoveNet, and its server."""
