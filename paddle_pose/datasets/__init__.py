"""Data sets: reading annotations, framing people, augmenting and loading pictures; no Paddle."""
