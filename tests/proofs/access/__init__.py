"""Who may do what: every operation, asked by everybody, as declared; and no token or id opens more than its own."""
