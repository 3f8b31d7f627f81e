"""HTML reports on predictions: scores, types of errors, and the gain from correcting each."""
