"""Administrações: the medication record (RAM). Every scheduled dose, the nursing panel, and who gave what, once."""
