"""Rules of recurrent layers: the units of all gates, layers and directions are merged."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cdfi.compression.tracing.call import Call
from cdfi.compression.tracing.graph import Channels, Graph

GATES = {"lstm": 4, "gru": 3, "rnn_relu": 1, "rnn_tanh": 1}


def recurrent(graph: Graph, call: Call) -> bool:
    """Handle ``nn.LSTM``, ``nn.GRU`` and ``nn.RNN`` without packed sequences and projections."""
    x, hidden, weights = call.args[:3]
    if not isinstance(weights, (list, tuple)):  # a packed sequence
        return False
    biases, layers, twice = call.args[3], call.args[4], call.args[7]
    directions, each = 2 if twice else 1, 4 if biases else 2
    if len(weights) != layers * directions * each:  # with projections
        return False
    gates = GATES[call.name]
    units = _units(graph, weights[1])
    reading = graph.channels_of(x)
    for layer in range(layers):
        for direction in range(directions):
            start = (layer * directions + direction) * each
            own = list(weights[start : start + each])
            _cell(graph, own, gates, units, x.numel() // x.shape[-1])
            if layer > 0:
                graph.join(graph.slot(own[0], 1), units.repeat(directions))
            else:
                _read_input(graph, own[0], reading)
    _join_states(graph, hidden, units)
    graph.set_channels(call.result[0], -1, units.repeat(directions))
    for state in call.result[1:]:
        graph.set_channels(state, -1, units)
    graph.add_sized(units)
    return reading is None or reading.dim == -1


def recurrent_cell(graph: Graph, call: Call) -> bool:
    """Handle ``nn.LSTMCell``, ``nn.GRUCell`` and ``nn.RNNCell``."""
    x, hidden, *weights = call.args
    weights = [weight for weight in weights if weight is not None]
    units = _units(graph, weights[1])
    _cell(graph, weights, GATES[call.name.removesuffix("_cell")], units, x.numel() // x.shape[-1])
    reading = graph.channels_of(x)
    _read_input(graph, weights[0], reading)
    _join_states(graph, hidden, units)
    for state in call.result if isinstance(call.result, tuple) else (call.result,):
        graph.set_channels(state, -1, units)
    return reading is None or reading.dim == -1


def _units(graph: Graph, weight: Tensor) -> Tensor:
    """Return the channels that the recurrent weight reads, (gates * units, units)."""
    return graph.slot(weight, 1)


def _cell(graph: Graph, weights: list[Tensor], gates: int, units: Tensor, positions: int) -> None:
    """Merge the rows of all gates with the units, in the weights and biases of one cell."""
    for tensor in weights:
        graph.join(graph.slot(tensor, 0), units.repeat(gates))
    graph.join(graph.slot(weights[1], 1), units)
    graph.add_layer(weights[0], positions, units)
    graph.add_layer(weights[1], positions, units)
    nothing = torch.zeros(len(units), dtype=torch.bool)
    graph.add_reader(units, nothing)


def _read_input(graph: Graph, weight: Tensor, reading: Channels | None) -> None:
    """Merge the columns of the input's weight with the channels of the input, if it has any."""
    columns = graph.slot(weight, 1)
    if reading and reading.dim == -1:
        graph.join(columns, reading.ids)
        graph.add_reader(columns, (weight.detach() == 0).all(0).cpu())
    else:
        graph.pin(columns, "the layer reads a tensor that no layer computes")


def _join_states(graph: Graph, hidden: Tensor | Sequence[Tensor], units: Tensor) -> None:
    """Merge the channels of given states with the units."""
    for state in hidden if isinstance(hidden, (list, tuple)) else (hidden,):
        if channels := graph.channels_of(state):
            graph.join(channels.ids, units)
