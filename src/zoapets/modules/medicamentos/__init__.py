"""Medicamentos: the formulary, one presentation a record, and the sourced dose ranges of each."""
