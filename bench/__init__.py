"""What Vigil costs and how fast it is, measured in one run on one machine with the real broker and database."""
