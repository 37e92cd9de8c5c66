"""The arguments of a training run, in groups: each part of training takes the group it needs.

The text under a field is its help on the command line.
"""

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True)
class NetworkArgs:
    """Which network is trained, and from which weights it starts."""

    network: str = ""
    """A network's name, or a .json file with a Config. By default the network of the weights, or
    compressed-adacof."""

    weights: str = ""
    """Start from these weights (a name or a file) instead of from scratch."""

    overlap: bool = False
    """Copy the weights of a similar network as far as the shapes overlap."""

    fresh: tuple[str, ...] = ()
    """Parameters (prefixes of their names) that ``overlap`` does not copy."""

    freeze: tuple[str, ...] = ()
    """Parameters (prefixes of their names, such as encoder) that are not trained."""

    he_init: bool = False
    """Initialise new layers for ReLU (He et al., ICCV 2015), and half of the first filters to
    compare the two frames. Off, as published: PyTorch's initialisation."""


@dataclass(frozen=True)
class DataArgs:
    """Where the samples come from, and how they are prepared."""

    data: tuple[str, ...] = ()
    """KIND=FOLDER or KIND=FOLDER:WEIGHT, repeatable. Kinds: clips (videos), synthetic (still
    photos), vimeo (Vimeo-90K), triplets (folders of three images)."""

    cache: str = ""
    """Folder of decoded training data. By default inside the user's cache folder."""

    batch: int = 8
    """Samples in a step, per process."""

    crop: int = 0
    """Side of the square crops in pixels; 0 trains on full frames."""

    augment: tuple[str, ...] = ("horizontal", "vertical", "reverse")
    """Augmentations: horizontal, vertical, rotate, reverse, channels, brightness, noise,
    compression. The last two change the inputs alone."""

    motion: float = 14.0
    """Longest motion of synthetic layers, in pixels per half step."""

    any_instant: bool = False
    """Train on frames at any instant between two, not only in the middle: for networks of the
    flow family."""

    estimate_motion: bool = False
    """Compute optical flow for real shots, so that the flow loss uses them too."""

    motion_teacher: Literal["dis", "raft"] = "dis"
    """What computes the flow of estimate_motion: dis (OpenCV's DIS) or raft (RAFT-small; its
    authors' weights, 4 MB, are downloaded on first use)."""

    workers: int = 1
    """Processes that prepare data; 0 prepares it in the training process."""

    seed: int = 0
    """Seed of the initial weights and of the data."""


@dataclass(frozen=True)
class LossArgs:
    """What is minimised, and how the forward pass computes."""

    loss: str = "1*Charb+0.01*g_Spatial+0.005*VGG"
    """WEIGHT*NAME+... of Charb, L1, MSE, PSNR, Lap, Census, LPIPS, VGG, g_Spatial,
    g_Occlusion."""

    vgg: str = ""
    """torchvision's VGG16 file, for the VGG loss. By default in PyTorch's cache folder."""

    guidance: float = 0.0
    """Weight of the flow loss at the start, per pixel of error."""

    warp: float = 0.0
    """Weight at the start of the loss on each side's warped frame."""

    guidance_until: float = 0.5
    """Fraction of the run after which ``guidance`` and ``warp`` are 0."""

    precision: Precision = "fp32"
    """Precision of the convolutions; auto is bf16 if the device has instructions for it."""

    compile: bool = False
    """Run the network through torch.compile."""


@dataclass(frozen=True)
class OptimArgs:
    """How the weights are updated."""

    epochs: int = 100
    """Passes over the data, if ``steps`` is 0."""

    steps: int = 0
    """Optimizer steps of the run; 0 counts epochs instead."""

    accumulate: int = 1
    """Batches whose gradients are added before a step."""

    optimizer: str = "ADAMax"
    """SGD, ADAM, RMSprop, ADAMax, AdamW, Muon or OBProxSG."""

    lr: float = 1e-3
    """Learning rate, before the schedule."""

    weight_decay: float = 0.0
    """Weight decay as the optimizer defines it; the l1 penalty of OBProxSG."""

    schedule: str = "step"
    """Learning-rate schedule: step, multi-step, cosine or constant."""

    decay_epochs: tuple[int, ...] = (20,)
    """Epochs after which the rate falls; several for multi-step."""

    decay: float = 0.5
    """Factor by which the rate falls."""

    warmup: int = 0
    """Steps of linear warm-up, for the cosine and constant schedules."""

    clip: float = 0.0
    """Largest 2-norm of the gradient; longer ones are scaled down. 0 does not clip."""

    ema: float = 0.0
    """Decay of the averaged weights; 0 keeps no average."""

    zero_nan: bool = False
    """Set values of the gradient that are not finite to 0. Unlike a check at each step, this does
    not wait for a GPU."""

    skip_nan: bool = False
    """Skip steps whose gradient is not finite instead of stopping."""


@dataclass(frozen=True)
class RecordArgs:
    """Where a run is kept, and how often it is logged, validated and saved."""

    run: str = "run"
    """Name of the run and of its folder."""

    out: str = "runs"
    """Folder of all runs."""

    max_minutes: float = 0.0
    """Time limit of this session in minutes: it ends with a checkpoint. 0 has no limit."""

    checkpoint_minutes: float = 5.0
    """Minutes between checkpoints."""

    validate_every: int = 0
    """Steps between validations; 0 validates after each epoch."""

    log_every: int = 20
    """Steps between rows of the log."""

    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
