"""Evidence: an incident's timeline, chained by hashes, and the documents made of it."""
