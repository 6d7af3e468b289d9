"""Users: the people who sign in and sign acts, their roles, and whether they may come in; never deleted."""
