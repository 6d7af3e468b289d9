"""The machine under the rooms: configuration, database, tenancy, the way of a request."""
