"""Supply and code: no secret in the repository, the logs or the database; every licence known; every S-rule answered."""
