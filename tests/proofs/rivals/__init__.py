"""Rivals: of many who want at once what one can have, one gets it; the others are told why not, and that is all."""
