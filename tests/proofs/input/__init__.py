"""Bad input: nothing that can be sent breaks the API, is taken although invalid, or changes what it was refused."""
