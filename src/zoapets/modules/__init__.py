"""The rooms of the hospital, one folder each."""
