"""Two Alembic trees: `shared` for `public`, `tenant` for every hospital's schema. See `core/owner/migrations.py`."""
