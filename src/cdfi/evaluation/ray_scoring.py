"""Score methods on data sets in a Ray cluster: each pair of both is a task of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from cdfi.common.devices import choose_device
from cdfi.common.machine import describe_machine
from cdfi.common.ray_cluster import AUTO, RayUse, connected, worker_shape
from cdfi.evaluation.columns import choose_metrics
from cdfi.evaluation.data.datasets import DataSet
from cdfi.evaluation.data.videos import Video
from cdfi.evaluation.methods.recipe import MethodRecipe
from cdfi.evaluation.scoring import OnScored, Row, Scorer, Skipped


@dataclass(frozen=True)
class ScoredPair:
    """A method on a data set.

    Attributes:
        dataset: its name.
        method: its name.
        rows: for each image.
        machine: that computed them.
        error: the reason if nothing could be scored, else "".
    """

    dataset: str
    method: str
    rows: list[Row | Skipped]
    machine: str = ""
    error: str = ""


@dataclass(frozen=True)
class PairTask:
    """What a task needs besides its data set and its method.

    Attributes:
        metrics: names of the columns.
        device: of networks and metrics; None means the best one of each node.
        keep_going: skip images that cannot be scored.
        watch: called for every scored image, on the node.
    """

    metrics: Sequence[str]
    device: str | None
    keep_going: bool
    watch: Sequence[OnScored] = ()

    def scorer(self) -> Scorer:
        """Return the scorer of this machine."""
        metrics, device = choose_metrics(self.metrics), choose_device(self.device)
        return Scorer(metrics, device, self.keep_going, self.watch)

    def run(self, dataset: DataSet | Video, recipe: MethodRecipe) -> ScoredPair:
        """Score a method on a data set."""
        try:
            rows = list(self.scorer().run(recipe.build(), dataset))
        except Exception as error:  # whose class the driver may not know
            return ScoredPair(dataset.name, recipe.name, [], error=str(error) or repr(error))
        return ScoredPair(
            dataset.name, recipe.name, rows, describe_machine(choose_device(self.device))
        )


def score_on_ray(
    cluster: RayUse,
    sets: Sequence[DataSet | Video],
    recipes: Sequence[MethodRecipe],
    task: PairTask,
) -> Iterator[ScoredPair]:
    """Yield every data set with every method, as they are scored.

    A task whose node is lost is repeated on another one. Data sets, models and folders must be at
    the same paths on all nodes.

    Raises:
        ConnectionError: the cluster cannot be used.
        ValueError: Ray is not installed, or a pair cannot be scored.
    """
    with connected(cluster.ray or AUTO) as ray:
        shape = worker_shape(ray, cluster.ray_cpus)
        if not shape.count:
            raise ValueError("the Ray cluster has no processors for workers")
        remote = ray.remote(PairTask.run).options(**shape.options(), max_retries=-1)
        pending = [remote.remote(task, *pair) for pair in product(map(_absolute, sets), recipes)]
        while pending:
            done, pending = ray.wait(pending)
            yield from (_checked(ray, call) for call in done)


def _absolute(dataset: DataSet | Video) -> DataSet | Video:
    """Return a data set whose path does not depend on the current folder."""
    if isinstance(dataset, Video):
        return replace(dataset, path=dataset.path.absolute())
    return replace(dataset, folder=dataset.folder.absolute())


def _checked(ray: Any, call: Any) -> ScoredPair:
    try:
        found: ScoredPair = ray.get(call)
    except ray.exceptions.RayError as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"a task of the Ray cluster failed: {lines[-1].strip()}") from error
    if found.error:
        raise ValueError(f"{found.dataset}, {found.method}: {found.error}")
    return found
