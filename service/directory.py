"""The people that the settings name, and how a running service goes over to others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from alerts.people.settings import load_directory

if TYPE_CHECKING:
    from alerts.people.model import Directory
    from service.core import Core
    from service.settings import Settings

__all__ = ["read_directory", "reload_directory"]


def read_directory(settings: Settings, *, are_recipients_known: bool = True) -> Directory:
    """Return the people, rotas, chains and routes of the settings and their files.

    are_recipients_known: a name of a recipient that the settings do not have is a fault
    Raises DirectoryFaults with every fault.
    """
    recipients = {recipient.name for recipient in settings.recipients} if are_recipients_known else None
    return load_directory(settings.directory.files, settings.directory_sections(), settings.channels.keys(), recipients)


async def reload_directory(core: Core) -> bool:
    """Read the files anew and go on with what they say; say whether anything changed.

    Raises DirectoryFaults; the people in force stay then.
    """
    return await core.use_directory(await asyncio.to_thread(read_directory, core.settings))
