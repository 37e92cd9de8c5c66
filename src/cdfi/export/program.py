"""program_of: a network as a graph of plain operations, with the header of its file."""

import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from cdfi.common.multiples import round_up
from cdfi.export.graphs import graph_of
from cdfi.export.header import Header
from cdfi.export.twins import decompositions
from cdfi.models import AnyNetwork
from cdfi.weights import digest


class Program(NamedTuple):
    """A graph of plain operations, and the header of its file."""

    graph: ExportedProgram
    header: Header
    inputs: tuple[Tensor, ...]  # of the size that it was traced with


def program_of(
    network: AnyNetwork, name: str, height: int, width: int, *, dynamic: bool = False
) -> Program:
    """Return ``network`` as a graph of plain operations, in float32 on the CPU.

    Args:
        network: in evaluation mode; it is not changed.
        name: of the model, for the header.
        height: rows of the frames.
        width: columns.
        dynamic: accept any multiples of the network's own multiple; for networks of the flow
            family, in the range of short sides that has the same number of levels.

    Raises:
        ValueError: networks of this class cannot be exported.
    """
    graph = graph_of(network, height, width)
    size = tuple(round_up(x, graph.multiple) for x in (height, width))
    inputs: tuple[Tensor, ...] = tuple(torch.rand(1, 3, *size) for _ in range(2))
    if network.takes_time:
        inputs = (*inputs, torch.full((1, 1, 1, 1), 0.5))
    shapes = _dynamic(graph.multiple, inputs) if dynamic else None
    header = Header(
        name=name,
        config=network.config.to_json(),
        digest=digest(network.state_dict()),
        takes_time=network.takes_time,
        multiple=graph.multiple,
        padding=graph.padding,
        size=None if dynamic else (size[0], size[1]),
        short_side=graph.short_side,
    )
    return Program(_traced(graph.module, inputs, shapes), header, inputs)


def _traced(module: nn.Module, inputs: tuple[Tensor, ...], shapes: Any) -> ExportedProgram:
    """Return the graph of a module, with twins in place of our operations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch's, about its own functions
        # With gradients enabled the network computes the frame at once, not in strips.
        with torch.inference_mode(False), torch.enable_grad():
            traced = torch.export.export(module, inputs, dynamic_shapes=shapes)
        plain: ExportedProgram = traced.run_decompositions(decompositions())
        return plain


def _dynamic(multiple: int, inputs: tuple[Tensor, ...]) -> tuple[dict[int, Dim] | None, ...]:
    """Return the dynamic axes of each input: H and W of the frames."""
    axes = {2: multiple * Dim("rows", min=1), 3: multiple * Dim("columns", min=1)}
    return (axes, axes, None)[: len(inputs)]
