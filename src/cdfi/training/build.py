"""Build what a run starts from: its network, its length, its loader of batches."""

import signal
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from cdfi import models, weights
from cdfi.common.choices import near_names
from cdfi.data.batch import Batch
from cdfi.data.mixture import BatchDataset, Mixture
from cdfi.models import ARCHITECTURES, AnyNetwork, Architecture, Config, Network
from cdfi.models.config import MAP_HEADS
from cdfi.ops.details.reference import BANDS
from cdfi.training.arg_groups import DataArgs, NetworkArgs, OptimArgs
from cdfi.training.distributed import Processes
from cdfi.training.optim.schedules import Length
from cdfi.training.warm_start import copy_overlap
from cdfi.weights import load_strict, read_checkpoint, resolve_path

_DIFFERENCE_GAIN = 4.0
_MIDDLE_TAP = 4.0  # initial logit of the middle tap: its weight is e^4 times that of each other
DEFAULT = "compressed-adacof"  # the network of a run that names neither network nor weights


def find_config(network: str) -> Architecture:
    """Return the architecture that a name or a JSON file stands for.

    Raises:
        ValueError: neither a known name (the message shows similar ones) nor a file with a Config.
    """
    if network in ARCHITECTURES:
        return ARCHITECTURES[network]
    path = Path(network).expanduser()
    if path.suffix == ".json" and path.is_file():
        try:
            return models.config_from_json(path.read_text(encoding="utf-8"))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error
    raise ValueError(
        f"no network is called {network!r}, and it is not a .json file with a Config"
        f"{near_names(network, ARCHITECTURES)}"
    )


def build_network(args: NetworkArgs) -> AnyNetwork:
    """Return the network with its initial weights, on the CPU, ready to train.

    Weights may be loaded into a network that differs in its quirks (rounding, say) if every tensor
    fits.

    Raises:
        ValueError: an unknown network, weights of another one, or unknown parameters to freeze or
            to start fresh.
    """
    network = _with_weights(args).train()
    _check_known(args.freeze, dict(network.named_parameters()), "freeze")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(args.freeze))
    if not any(p.requires_grad for p in network.parameters()):
        raise ValueError("every parameter is frozen: there is nothing to train")
    return network


def _check_known(starts: Sequence[str], names: Collection[str], what: str) -> None:
    """Raise ValueError if a prefix is not that of any parameter."""
    for start in starts:
        if not any(name.startswith(start) for name in names):
            known = sorted({name.split(".")[0] for name in names})
            raise ValueError(f"nothing to {what} is called {start!r}...; there are {known}")


def _with_weights(args: NetworkArgs) -> AnyNetwork:
    """Return the network with the weights that it starts from."""
    if args.weights and not args.network:
        return weights.load(args.weights).requires_grad_(True)
    network = models.build_network(find_config(args.network or DEFAULT))
    if args.he_init and isinstance(network, Network):  # others initialise themselves
        initialise(network)
    if args.weights:
        found = read_checkpoint(resolve_path(args.weights))
        if type(found.config) is not type(network.config):
            raise ValueError(
                f"the weights {args.weights} are of another family of networks than "
                f"{args.network or DEFAULT}: leave out --network to train their own network"
            )
        if args.overlap and isinstance(network, Network):
            _check_known(args.fresh, found.state, "start fresh")
            taken = {k: v for k, v in found.state.items() if not k.startswith(args.fresh)}
            assert isinstance(found.config, Config)
            copy_overlap(network, taken, found.config)
        else:
            load_strict(network, found.state, args.weights)
    return network


def initialise(network: Network) -> Network:
    """Initialise the network so that it learns motion sooner than with PyTorch's values.

    Hidden 3 x 3 layers are scaled for ReLU, biases are 0 (He et al., ICCV 2015). Half of the first
    filters compare the two frames: the same filter on both with opposite signs, amplified because
    differences are small compared with the frames. The last layer of each head keeps PyTorch's
    smaller values: offsets start near 0. The synthesis starts as the mean of both warps, and the
    descriptors of the cost volumes ignore brightness. If offsets are added to an optical flow, the
    flow starts as flow refinement finds it without the network, and the kernels start with almost
    all weight on the middle tap and the detail that makes its samples cubic convolution.
    """
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and ".last" not in name and layer.kernel_size == (3, 3):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    first = network.get_parameter("encoder.0.0.weight").data
    comparing = first[: len(first) // 2]
    comparing[:, :3] *= _DIFFERENCE_GAIN
    comparing[:, 3:] = -comparing[:, :3]
    if network.matching is not None:
        described = network.get_parameter("matching.describe.0.0.weight").data
        described -= described.mean((2, 3), keepdim=True)
    if network.refinement is not None:
        _initialise_refinement(network)
    if network.synthesis is not None:
        network.synthesis.init_as_average()
    return network


def _initialise_refinement(network: Network) -> None:
    """Start with an initial flow of 0, unchanged features and cubic sampling along the flow."""
    assert network.refinement is not None
    for layers in (network.refinement.flow, network.refinement.compare):
        for parameter in layers[-1].parameters():
            nn.init.zeros_(parameter)
    for name in MAP_HEADS:
        bias = nn.init.zeros_(network.get_parameter(f"heads.{name}.last.bias"))
        if name.startswith("weight"):
            bias.data[network.config.taps // 2] = _MIDDLE_TAP
        else:
            nn.init.zeros_(network.get_parameter(f"heads.{name}.last.weight"))
    if network.config.detail is not None:
        nn.init.zeros_(network.get_parameter("heads.detail.last.weight"))
        lost, fine = network.get_parameter("heads.detail.last.bias").data.view(-1, BANDS).unbind(1)
        lost.fill_(1.0)
        fine.zero_()


def check_instants(network: AnyNetwork, args: DataArgs) -> None:
    """Raise an error if the data has instants that the network cannot learn.

    Raises:
        ValueError: any instant for a network that computes the middle frame only.
    """
    if args.any_instant and not network.takes_time:
        raise ValueError(
            "this network computes the middle frame only: train it without --any-instant"
        )


def run_length(args: OptimArgs, samples: int, batch: int) -> Length:
    """Return the steps of the run and of one epoch.

    Args:
        args: steps or epochs, and the batches of a step.
        samples: in an epoch.
        batch: samples of a batch, over all processes.
    """
    epoch = max(1, samples // (batch * args.accumulate))
    return Length(args.steps or args.epochs * epoch, epoch)


def batches_of(
    mixture: Mixture, args: DataArgs, accumulate: int, processes: Processes, steps: range
) -> Iterator[Batch]:
    """Return the batches of these optimizer steps, ``accumulate`` of them for each step.

    They raise the errors of the sources, of a worker process as well.
    """
    loader: DataLoader[Batch | ValueError | OSError] = DataLoader(
        _ErrorsAsItems(BatchDataset(mixture, args.batch, processes.rank, processes.count)),
        batch_size=None,
        sampler=range(steps.start * accumulate, steps.stop * accumulate),
        num_workers=args.workers,
        prefetch_factor=4 if args.workers else None,
        pin_memory=processes.device.type == "cuda",
        worker_init_fn=_ignore_signals,
        generator=torch.Generator(),  # the global one is the run's, to be resumed exactly
    )
    return map(_raised, loader)


class _ErrorsAsItems(Dataset[Batch | ValueError | OSError]):
    """The batches of a data set, or the error of one.

    A ``DataLoader`` would add the traceback of the worker process to the message of an error.
    """

    def __init__(self, dataset: BatchDataset) -> None:
        self._dataset = dataset

    def __getitem__(self, index: int) -> Batch | ValueError | OSError:
        try:
            return self._dataset[index]
        except (ValueError, OSError) as error:
            return error


def _raised(item: Batch | ValueError | OSError) -> Batch:
    """Return a batch, or raise an error."""
    if isinstance(item, Exception):
        raise item
    return item


def _ignore_signals(_: int) -> None:
    """Leave Ctrl-C and SIGTERM, which reach every process, to the parent: it ends its loaders."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
