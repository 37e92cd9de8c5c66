"""``cdfi warm-up``: compile kernels before the first job."""

import time
from typing import Annotated

from typer import Argument

from cdfi.cli.console import stdout
from cdfi.cli.early_checks import check_device, check_model
from cdfi.cli.network_options import DeviceOption

Models = Annotated[
    list[str] | None, Argument(help="Names or files of models. By default the default model.")
]


def warm_up(models: Models = None, device: DeviceOption = None) -> None:
    """Compile the kernels that models need on this machine, so that the first job starts at once.

    They are kept on the disk. Only those that are missing there are compiled.

    Example: cdfi warm-up flow aligned-adacof
    """
    names = models or ["default"]
    check_model(*names)
    check_device(device)
    from cdfi.video import ModelSpec
    from cdfi.video.kernel_warm_up import warm_up as compile_kernels

    for name in names:
        begin = time.perf_counter()
        compiled = compile_kernels(ModelSpec(name, device))
        seconds = time.perf_counter() - begin
        done = (
            f"{len(compiled)} kernels compiled" if compiled else "all kernels were compiled already"
        )
        stdout.print(f"{name}: {done}, {seconds:.1f} s")
