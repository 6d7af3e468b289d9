"""The rules of the house: what every room keeps, whoever writes it."""
