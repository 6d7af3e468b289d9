"""Tutores: who answers for the animals, how to reach them, and which pets are theirs."""
