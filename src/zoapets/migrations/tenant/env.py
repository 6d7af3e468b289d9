"""Writes the tree's SQL as text: `core/owner/migrations.py` replays it, in each hospital's own transaction."""

from alembic import context
from sqlalchemy import MetaData

from zoapets.entities.base import NAMING

# For the CHECK of a column of words: it has no name of its own, and must have the one the entities give it.
context.configure(
    dialect_name="postgresql",
    dialect_opts={"paramstyle": "named"},
    literal_binds=True,
    target_metadata=MetaData(naming_convention=NAMING),
)
context.run_migrations()
