"""The command line: `vigil …`."""

from service.cli.app import main

__all__ = ["main"]
