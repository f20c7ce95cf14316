"""Trying rules on history: the archive or a file goes through the same engine that runs live."""
