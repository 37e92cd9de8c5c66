"""The authors' weights of RAFT-small: downloaded once, and checked."""

from pathlib import Path

import torch

from cdfi.common.cache import cache_folder
from cdfi.common.download import fetch
from cdfi.common.torch_file import load_tensors
from cdfi.data.raft import RaftSmall

#: BSD-3-Clause, (c) 2020 princeton-vl; trained on FlyingChairs and FlyingThings3D.
URL = (
    "https://github.com/princeton-vl/RAFT/raw/3a46c2326f61e9cc102deac43a85ddfc751f2176/"
    "models/raft-small.pth"
)
SHA256 = "c7d41b9cc88442bb8aa911dbb33086dac55a226394b142937ff22d5578717332"
_WRAPPER = "module."  # before every name, from the authors' DataParallel


def load_raft() -> RaftSmall:
    """Return RAFT-small with the authors' weights, for inference; they are downloaded if needed.

    Raises:
        ValueError: the weights cannot be downloaded, or the file is another one.
    """
    try:
        path = fetch(URL, raft_path(), sha256=SHA256)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"the weights of RAFT-small cannot be had ({error}): use motion_teacher=dis, or put "
            f"raft-small.pth at {raft_path()}"
        ) from error
    state = load_tensors(path, "the weights of RAFT-small")
    assert isinstance(state, dict)  # the digest is that of a dictionary
    network = RaftSmall()
    network.load_state_dict({name.removeprefix(_WRAPPER): x for name, x in state.items()})
    return network.eval().requires_grad_(False)


def raft_path() -> Path:
    """Return where the file is kept."""
    return cache_folder() / "raft-small.pth"


class RaftFlow:
    """Optical flow by RAFT-small, on the device of the frames."""

    def __init__(self) -> None:
        self._network = load_raft()

    @torch.no_grad()
    def __call__(self, frame0: torch.Tensor, frame1: torch.Tensor) -> torch.Tensor:
        """Return the flow from ``frame0`` to ``frame1``, (N, 2, H, W) rows then columns."""
        flow: torch.Tensor = self._network.to(frame0.device)(frame0, frame1)
        return flow
