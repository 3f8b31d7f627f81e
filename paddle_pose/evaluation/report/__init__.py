"""A report about predictions: how good they are, which kinds of errors they contain, and what correcting each would gain."""
