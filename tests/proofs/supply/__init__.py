"""Supply and code: no secret in repository, logs or database; every licence known; every security rule answered."""
