"""Leitos: the house of the hospital. Its unidades, their alas, and the beds in them."""
