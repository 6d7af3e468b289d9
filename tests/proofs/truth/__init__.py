"""Truth: every write is in the audit trail, nobody who serves can change it, and what the owner changes is found."""
