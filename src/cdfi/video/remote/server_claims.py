"""Claims of a worker on the segments of a job at a server."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from cdfi.video.jobs.claims import CLAIM, REPEAT, Claim, Claims, SeenClaim
from cdfi.video.remote.connection import ServerConnection


class ServerClaims(Claims):
    """The same as :class:`Claims`, with the files at the server, which decides what is lost.

    Args:
        connection: to the server.
        address: of the job there.
        folder: that stands for the job on this machine; no claim is written into it.
        owner: the worker.
        used: files and folders of this machine's cache that the job needs; they are touched with
            the claims, so that no other worker takes them for unused.
    """

    def __init__(
        self,
        connection: ServerConnection,
        address: str,
        folder: Path,
        owner: Claim,
        used: Sequence[Path] = (),
    ) -> None:
        super().__init__(folder, owner)
        self._connection, self._address, self._used = connection, f"{address}/claims", used
        self._lost: dict[tuple[int, bool], bool] = {}

    def take(self, number: int, suffix: str = CLAIM) -> bool:
        """Claim a segment, or take it over if its worker is gone; return whether it is ours now."""
        if not self._lost.get((number, suffix == REPEAT), True):
            return False
        return self._take(number, suffix, take_over=True)

    def take_free(self, number: int, suffix: str = CLAIM) -> bool:
        """Claim a segment if it is unclaimed; return whether this worker got it."""
        return self._take(number, suffix, take_over=False)

    def numbers(self) -> set[int]:
        """Return the numbers of the unfinished segments that have a claim."""
        return {claim.number for claim in self.seen()}

    def seen(self, among: Container[int] | None = None) -> list[SeenClaim]:
        """Return the claims on unfinished segments, those touched longest ago first."""
        found, self._lost = [], {}
        for values in self._connection.ask("GET", self._address)["claims"]:
            owner = Claim(**values["owner"]) if values["owner"] else None
            self._lost[values["number"], values["repeat"]] = values.pop("lost")
            found.append(SeenClaim(**{**values, "owner": owner}))
        return [claim for claim in found if among is None or claim.number in among]

    def touch(self) -> None:
        """Touch the claims that we hold, and what is used for them."""
        for path in self._used:
            with suppress(OSError):  # a cache may have become read-only
                os.utime(path)
        with self._changes:
            numbers = sorted({int(path.name[: -len(CLAIM)].split(".")[0]) for path in self._held})
        if numbers:
            body = {"owner": asdict(self.owner), "numbers": numbers}
            with suppress(OSError):  # the next touch may reach the server
                self._connection.ask("PUT", self._address, body, patient=False)

    def _take(self, number: int, suffix: str, take_over: bool) -> bool:
        body = {
            "owner": asdict(self.owner),
            "number": number,
            "repeat": suffix == REPEAT,
            "take_over": take_over,
        }
        taken = bool(self._connection.ask("POST", self._address, body)["taken"])
        if taken:
            with self._changes:
                self._held.add(self._path(number, suffix))
        return taken

    def _remove(self, path: Path) -> None:
        """Give up a claim; if the server cannot be reached, it expires there."""
        with self._changes:
            held = path in self._held
            self._held.discard(path)
        if held:
            number = int(path.name[: -len(CLAIM)].split(".")[0])
            with suppress(OSError):
                self._connection.ask(
                    "DELETE",
                    self._address,
                    patient=False,
                    worker=self.owner.worker,
                    number=number,
                )
