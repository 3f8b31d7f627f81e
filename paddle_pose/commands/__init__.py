"""Commands: the bodies of train.py, val.py, predict.py and the scripts."""
