"""Zoa Pets: the backend of veterinary hospitals."""

__version__ = "0.1.0"
