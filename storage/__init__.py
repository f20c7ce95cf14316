"""Storage: the journal, the archive of history in PostgreSQL, and a PostgreSQL of our own."""
