"""Configuracoes: what a hospital decides about itself, one row."""
