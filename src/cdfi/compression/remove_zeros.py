"""Remove channels that have no effect, without loss."""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn

from cdfi.compression.derived import OnUnknown, plan_widths
from cdfi.compression.fitting import fit
from cdfi.compression.shrink import shrink
from cdfi.compression.tracing.call import Rule
from cdfi.compression.tracing.graph import Slot
from cdfi.compression.tracing.trace import Example
from cdfi.compression.verify import check_runs, culprits, difference, require_same
from cdfi.compression.widths import WidthPlan


def remove_zeros(
    model: nn.Module,
    example: Example,
    protected: Sequence[str] = (),
    extra: Mapping[str, Rule] | None = None,
    on_unknown: OnUnknown = "error",
) -> nn.Module:
    """Return a smaller module that computes exactly what ``model`` does in evaluation mode.

    A channel is removed if it is zero for every input, or if all weights that read it are zero. A
    filter of zeros whose bias makes another constant is kept: next to zero padding, no other bias
    could replace it. Channels under a norm over channels are kept: their zeros count in its
    statistics.

    Args:
        model: the network; it is not changed.
        example: as for :func:`derive`.
        protected: as for :func:`derive`.
        extra: as for :func:`derive`.
        on_unknown: as for :func:`derive`.

    Raises:
        ValueError: a model that cannot be traced, or a smaller one that computes something else
            on the example or on random inputs (the message names the layers).
    """
    while True:
        plan, protected = plan_widths(model, example, protected, extra, on_unknown)
        small, plan = fit(model, plan, lambda p: p.indices(p.live_units()), example, extra)
        live = plan.live_units()
        check_runs(model, small, example, plan)
        suspects = partial(_suspects, model, plan, live, example)
        require_same(model, small, example, "removing channels without effect", suspects)
        if _count(small) == _count(model):
            return small
        model = small  # layers that read the removed channels may be unread now


def _suspects(model: nn.Module, plan: WidthPlan, live: set[int], example: Example) -> Sequence[str]:
    """Return the layers without whose removed channels the output would be the same."""
    removed = {unit for width in plan.widths for unit in width.units} - live

    def differs(kept: Mapping[Slot, Tensor]) -> bool:
        return difference(model, shrink(model, kept), example) > 1

    return culprits(plan, differs, removed) or plan.can_lose_channels()


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
