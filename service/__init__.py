"""Service: settings, wiring, the one path, the command line, health and metrics."""
