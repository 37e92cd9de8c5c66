"""Write OpenVINO's intermediate representation: an .xml file and a .bin file of weights."""

from pathlib import Path
from tempfile import TemporaryDirectory

from cdfi.common.extras import need
from cdfi.common.files import move
from cdfi.export.header import KEY
from cdfi.export.program import Program
from cdfi.export.writers.onnx_file import OPSETS, write_onnx


def write_openvino(program: Program, path: Path) -> None:
    """Write ``program`` to ``path`` (.xml) and its float32 weights to a .bin file of that name.

    The graph is converted through ONNX, as OpenVINO cannot convert torch.export graphs of dynamic
    sizes. The .bin file is written first, so that no .xml file exists without its weights.

    Raises:
        ValueError: a library is missing.
        OSError: a file cannot be written.
    """
    openvino = need("openvino", "an .xml file of OpenVINO", "cdfi[openvino]")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".cdfi-") as folder:
        graph, written = Path(folder) / "graph.onnx", Path(folder) / "written.xml"
        write_onnx(program, graph, OPSETS[-1])
        model = openvino.Core().read_model(str(graph))
        model.set_rt_info(program.header.to_json(), [KEY])
        openvino.save_model(model, str(written), compress_to_fp16=False)
        del model  # it may hold the file of the graph open
        move(written.with_suffix(".bin"), path.with_suffix(".bin"))
        move(written, path)
