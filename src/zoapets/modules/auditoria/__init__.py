"""Auditoria: who changed what, when and from where, as the database itself wrote it down; read only."""
