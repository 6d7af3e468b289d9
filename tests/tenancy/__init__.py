"""One hospital never sees another: the gate, the database's own refusals, and how a hospital is made."""
