"""load and save: a network from a name or a file, and a file from a network."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save as serialize
from torch import Tensor

from cdfi.common.files import atomic_write
from cdfi.models import AnyNetwork, build_network
from cdfi.weights.catalog import resolve_path
from cdfi.weights.checkpoint_file import check_fit, digest, read_checkpoint, shapes_of

FORMAT = "cdfi-1"


def load(
    model: str | Path,
    device: torch.device | str | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> AnyNetwork:
    """Return the network that ``model`` names, with its weights, in evaluation mode.

    Args:
        model: a bundled name ("flow", "aligned-adacof"; "default" is "flow"), a
            downloaded one ("released/cdfi"), "hf://owner/name" on a model hub, or a path: our
            safetensors, a released ``.pth``, or a training checkpoint around one.
        device: where to put it; the CPU by default.
        dtype: of its parameters; float32 by default.

    Raises:
        ValueError: the name is unknown; the file is not a checkpoint, is damaged or holds code; or
            its weights do not fit the architecture.
        OSError: the file cannot be read.
    """
    checkpoint = read_checkpoint(resolve_path(model))
    network = build_network(checkpoint.config)
    load_strict(network, checkpoint.state, str(model))
    return network.to(device=device, dtype=dtype or torch.float32).eval()


def save(
    network: AnyNetwork,
    path: str | Path,
    *,
    info: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a safetensors file that :func:`load` reads: parameters, Config, digest and notes.

    The file is written atomically.

    Args:
        network: whose parameters are written.
        path: of the file; a file that is there is replaced.
        info: notes, kept as metadata. The names config, digest and format are taken.
        dtype: of the stored parameters; by default that of the network. float16 halves the file
            and rounds the parameters to 11 bits.

    Raises:
        OSError: the file cannot be written.
    """
    state = {
        key: value.detach().to("cpu", dtype or value.dtype).contiguous()
        for key, value in network.state_dict().items()
    }
    notes = {"format": FORMAT, "config": network.config.to_json(), "digest": digest(state)}
    with atomic_write(Path(path)) as part:
        part.write_bytes(serialize(state, {**(info or {}), **notes}))


def load_strict(network: torch.nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Copy ``state`` into ``network``, if names and shapes are the same.

    Raises:
        ValueError: which tensors are missing, unknown or of another shape; the message begins with
            ``name``.
    """
    own = network.state_dict()
    check_fit(shapes_of(own), shapes_of(state), name)
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()})
