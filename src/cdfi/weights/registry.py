"""Named models: their list, what a model file holds, and the download of released ones."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from cdfi.common.choices import unknown_name
from cdfi.common.download import fetch
from cdfi.common.progress import Progress
from cdfi.models import NETWORKS, Architecture, Network
from cdfi.weights.catalog import BUNDLED, DEFAULT, RELEASED, Scores, resolve_path
from cdfi.weights.checkpoint_file import digest, read_checkpoint

#: Keys of a file's metadata that are not notes.
_OWN_KEYS = ("config", "digest")


@dataclass(frozen=True)
class ModelInfo:
    """What a model file holds.

    Attributes:
        path: of the file.
        bytes: size of the file.
        parameters: number of parameters.
        digest: SHA-256 over the tensors; equal weights have equal digests.
        config: the architecture.
        notes: metadata of the file, such as scores and training.
    """

    path: Path
    bytes: int
    parameters: int
    digest: str
    config: Architecture
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedModel:
    """A row of the list of models.

    Attributes:
        name: as :func:`cdfi.load` takes it.
        default: whether it is the default model.
        parameters: number of parameters.
        middlebury: PSNR (dB) and SSIM on Middlebury; measured for bundled models, else published.
        ucf101: the same on UCF101-DVF.
        where: whether its file is here.
    """

    name: str
    default: bool
    parameters: int
    middlebury: Scores | None
    ucf101: Scores | None
    where: Literal["bundled", "downloaded", "to download"]


def list_models() -> list[str]:
    """Return the names that :func:`cdfi.load` takes: bundled models, then released ones.

    Released models are available after :func:`cdfi.download`.
    """
    return [*BUNDLED, *RELEASED]


def info(model: str | Path = "default") -> ModelInfo:
    """Return what a model file holds, without building the network.

    Args:
        model: a name or a path; see :func:`cdfi.load`.

    Raises:
        ValueError: the name is unknown, the model is not downloaded yet, or the file is not a
            checkpoint.
        OSError: the file cannot be read.
    """
    path = resolve_path(model)
    checkpoint = read_checkpoint(path)
    return ModelInfo(
        path=path,
        bytes=path.stat().st_size,
        parameters=sum(value.numel() for value in checkpoint.state.values()),
        digest=digest(checkpoint.state),
        config=checkpoint.config,
        notes={key: text for key, text in checkpoint.info.items() if key not in _OWN_KEYS},
    )


def download(name: str, *, progress: Progress | None = None) -> Path:
    """Download a released model from its authors, and return its file in the cache folder.

    A file that is there already is kept; a bundled model needs no download.

    Args:
        name: one of :func:`cdfi.list_models`.
        progress: called with the bytes so far and the size of the file.

    Raises:
        ValueError: the name is unknown, or the downloaded file is not the published one.
        OSError: the server cannot be reached, or the disk is full.
    """
    if name in BUNDLED or name == "default":
        return resolve_path(name)
    if name not in RELEASED:
        raise unknown_name("model", name, list_models())
    row = RELEASED[name]
    return fetch(row.url, row.path, git_blob=row.git_blob, progress=progress)


def listed_models() -> list[ListedModel]:
    """Return the list of models with parameters and scores; bundled files are read."""
    bundled = []
    for row in BUNDLED.values():
        found = info(row.name)
        scores = json.loads(found.notes.get("scores", "{}"))
        bundled.append(
            ListedModel(
                name=row.name,
                default=row.name == DEFAULT,
                parameters=found.parameters,
                middlebury=_pair(scores.get("middlebury")),
                ucf101=_pair(scores.get("ucf101-dvf")),
                where="bundled",
            )
        )
    released = [
        ListedModel(
            name=row.name,
            default=False,
            parameters=_parameters(row.network),
            middlebury=row.middlebury,
            ucf101=row.ucf101,
            where="downloaded" if row.path.is_file() else "to download",
        )
        for row in RELEASED.values()
    ]
    return bundled + released


def _parameters(network: str) -> int:
    with torch.device("meta"):
        return sum(value.numel() for value in Network(NETWORKS[network]).parameters())


def _pair(scores: dict[str, float] | None) -> Scores | None:
    return (scores["psnr"], scores["ssim"]) if scores else None
