"""A page about predictions: how good they are, what kind of errors they hold, and what mending each would gain."""
