"""Models: the real API and a plain dict of what it should do, led through the same random steps, never differ."""
