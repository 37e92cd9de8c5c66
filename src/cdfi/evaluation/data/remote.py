"""Downloads of data sets from the places where their authors published them."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from cdfi.common.download import fetch
from cdfi.common.progress import Progress
from cdfi.evaluation.data.layouts import VIMEO_NAMES

CDFI = "https://raw.githubusercontent.com/tding1/CDFI/537291c7adc78117e50a31628f143aee9263ce20"
VIMEO = "http://data.csail.mit.edu/tofu/dataset/vimeo_triplet.zip"
VIMEO_BYTES = 33 * 10**9
CONNECTIONS = 8


class Blob(NamedTuple):
    """A file in a git repository, known by the SHA-1 of its git object."""

    sha1: str
    size: int
    path: str


@dataclass(frozen=True)
class Files:
    """A data set of single files in a git repository.

    Attributes:
        folder: target in the data folder.
        url: prefix of the paths of its files.
    """

    folder: str
    url: str

    def blobs(self) -> list[Blob]:
        """Return every file, from the list next to this module."""
        text = Path(__file__).with_name(f"{self.folder}.blobs.txt").read_text()
        fields = (line.split(" ", 2) for line in text.splitlines())
        return [Blob(sha1, int(size), path) for sha1, size, path in fields]

    def download(self, root: Path, progress: Progress) -> Path:
        """Download missing and wrong files; each is checked and written atomically."""
        blobs, target = self.blobs(), root / self.folder
        total = sum(blob.size for blob in blobs)
        _require_space(root, total)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            jobs = [pool.submit(self._fetch, blob, target) for blob in blobs]
            done = 0
            try:
                for job in jobs:
                    done += job.result()
                    progress(done, total)
            finally:
                # After one failure, the other files are not requested.
                pool.shutdown(cancel_futures=True)
        return target

    def _fetch(self, blob: Blob, target: Path) -> int:
        url = f"{self.url}/{quote(blob.path)}"
        fetch(url, target / blob.path, size=blob.size, git_blob=blob.sha1)
        return blob.size


@dataclass(frozen=True)
class Archive:
    """Vimeo-90K's triplets: one archive, of which the test triplets are unpacked.

    Attributes:
        folder: target in the data folder; the archive stays next to it.
        url: of the archive.
        size: approximate bytes, which must be free before the download.
    """

    folder: str
    url: str
    size: int

    def download(self, root: Path, progress: Progress) -> Path:
        """Download the archive, resuming a partial one, and unpack its test triplets."""
        archive = root / f"{self.folder}.zip"
        part = archive.with_name(archive.name + ".part")
        if not archive.is_file():
            _require_space(root, self.size - (part.stat().st_size if part.is_file() else 0))
            fetch(self.url, archive, progress=progress)
        target = root / self.folder
        if not target.is_dir():
            _unpack(archive, target)
        return target


SOURCES: dict[str, Files | Archive] = {
    "middlebury": Files("middlebury_others", f"{CDFI}/test_data/middlebury_others"),
    "ucf101-dvf": Files("ucf101_dvf", f"{CDFI}/test_data/ucf101_interp_ours"),
    "vimeo-90k": Archive("vimeo_triplet", VIMEO, VIMEO_BYTES),
}


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the test triplets of ``archive`` to ``target``, which appears at once."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = list(_test_members(packed))
            _require_space(target.parent, sum(packed.getinfo(m).file_size for m in members))
            for member in members:
                inside = part / Path(member).relative_to("vimeo_triplet")
                inside.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as source, inside.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(
            f"{archive} is damaged, or not Vimeo-90K: {error}; delete it to fetch it again"
        ) from error
    part.replace(target)


def _test_members(packed: zipfile.ZipFile) -> Iterator[str]:
    yield (listing := "vimeo_triplet/tri_testlist.txt")
    for line in packed.read(listing).decode().split():
        if not re.fullmatch(r"\d+/\d+", line):
            raise KeyError(f"{listing} has a line {line!r}")
        for name in VIMEO_NAMES:
            yield f"vimeo_triplet/sequences/{line}/{name}"


def _require_space(root: Path, size: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if free < size:
        raise OSError(f"{root}: {size / 1e9:.1f} GB are needed, but only {free / 1e9:.1f} GB free")
