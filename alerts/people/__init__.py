"""People: who there is, who is on duty, and who is asked about what."""
