"""Writes the tree's SQL as text: `core/migrations.py` replays it, in each hospital's own transaction."""

from alembic import context

context.configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, literal_binds=True)
context.run_migrations()
