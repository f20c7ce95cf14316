"""A real disk that fails when told to: what `tests` cannot make a disk do by itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from typing_extensions import Buffer

DEADLINE_S = 20.0
NAME = "vigil-failing-disk"


class FailingDisk(apsw.VFS):
    """Hands everything on to the operating system, until one of the endings is set.

    full, syncs_fail: endings of the names of files that take no more bytes, or whose fsync fails; "" for none
    free:             cleared, it makes every fsync wait
    syncs:            number of fsyncs
    """

    def __init__(self) -> None:
        self.full = ""
        self.syncs_fail = ""
        self.syncs = 0
        self.free = threading.Event()
        self.free.set()
        self.system = apsw.vfs_names()[0]
        super().__init__(NAME, "", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        super().__init__(disk.system, name, flags)

    def xWrite(self, data: Buffer, offset: int) -> None:  # noqa: N802
        if self._disk.full and self._name.endswith(self._disk.full):
            raise apsw.FullError("no space left on this disk")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.syncs += 1
        assert self._disk.free.wait(DEADLINE_S)
        if self._disk.syncs_fail and self._name.endswith(self._disk.syncs_fail):
            raise apsw.IOError("this disk forgot what it was told")
        super().xSync(flags)
