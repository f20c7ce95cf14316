"""Every board, in the order of the menu's reading: from the district down to one incident, and then Vigil itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.boards import classes, devices, district, incident, response, service, site

if TYPE_CHECKING:
    from deploy.boards.board import Board

__all__ = ["BOARDS"]

BOARDS: Final[tuple[Board, ...]] = (
    district.BOARD,
    site.BOARD,
    *classes.BOARDS,
    incident.BOARD,
    response.BOARD,
    devices.BOARD,
    service.BOARD,
)
