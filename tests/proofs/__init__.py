"""Proofs: that hospitals are sealed, that what was acknowledged lasts, that rules hold, that no input breaks the API.

A slice of each runs with `make test`; `make proofs` runs the whole and writes a report. What can be generated from
routes and tables is, so that a new room is under proof the day it appears.
"""
