"""Browser demo: a web page that runs a MoveNet in the browser, and its server."""
