"""Tenants: the hospitals of the installation, for those who run it; to list, suspend and let in again."""
