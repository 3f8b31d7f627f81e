"""Export of networks to files that run without this package, and their verification."""
