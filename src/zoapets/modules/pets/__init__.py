"""Pets: the animals, their weights over time, what they must not be given, and all that happened to them."""
