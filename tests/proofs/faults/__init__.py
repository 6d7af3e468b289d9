"""What breaks around the application: PostgreSQL, its own workers, Valkey, the disk; and what must hold meanwhile."""
