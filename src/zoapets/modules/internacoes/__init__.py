"""Internacoes: a pet in a bed, from its arrival to alta or obito, and the map of who lies where."""
