"""One hospital in one file, and back: `exporting` writes it, `importing` makes a new hospital of it (ADR 0011)."""
