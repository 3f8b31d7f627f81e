"""Checks of a data set before a training: what is wrong, in which file and record, and what to do."""
