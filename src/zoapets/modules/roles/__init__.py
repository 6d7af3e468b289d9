"""Roles: sets of permissions under the hospital's own names; users have them, routes ask for permissions alone."""
