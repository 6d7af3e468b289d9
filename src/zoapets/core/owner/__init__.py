"""The owner's side of the database: roles, rights, migrations, hospitals. The serving processes never have it."""
