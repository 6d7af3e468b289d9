"""Prescrições: what the vet ordered, for which weight, with which warnings; scheduling the doses that follow."""
