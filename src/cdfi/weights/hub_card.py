"""hub_card: a model card in the format of model hubs, made from what a model file holds."""

import json
from pathlib import Path
from typing import Any

from cdfi.weights.registry import ModelInfo, info

_METRICS = {"psnr": "PSNR", "ssim": "SSIM", "lpips": "LPIPS"}
_DATASETS = {"middlebury": "Middlebury OTHER", "ucf101-dvf": "UCF101-DVF"}


def hub_card(model: str | Path) -> str:
    """Return the README.md of a model's repository on a hub: front matter, use, facts.

    Args:
        model: a name or path; see :func:`cdfi.load`.

    Raises:
        ValueError, OSError: as :func:`cdfi.info`.
    """
    found = info(model)
    name = found.path.stem
    front = {
        "license": "apache-2.0",
        "library_name": "cdfi",
        "tags": ["video-frame-interpolation", "frame-interpolation", "slow-motion", "pytorch"],
        "model-index": [{"name": name, "results": _results(found)}],
    }
    if not front["model-index"][0]["results"]:  # type: ignore[index]
        del front["model-index"]
    return f"---\n{_yaml(front)}\n---\n\n{_body(name, found)}"


def _results(found: ModelInfo) -> list[dict[str, Any]]:
    """Return the scores in the metadata of the file as the hub's evaluation results."""
    scores = json.loads(found.notes.get("scores", "{}"))
    task = {"type": "video-frame-interpolation", "name": "Video frame interpolation"}
    return [
        {
            "task": task,
            "dataset": {"type": key, "name": _DATASETS.get(key, key)},
            "metrics": [
                {"type": metric, "name": _METRICS[metric], "value": value}
                for metric, value in row.items()
                if metric in _METRICS
            ],
        }
        for key, row in scores.items()
    ]


def _yaml(front: dict[str, Any]) -> str:
    """Return top-level entries, each value as JSON, which is YAML."""
    return "\n".join(f"{key}: {json.dumps(value)}" for key, value in front.items())


def _body(name: str, found: ModelInfo) -> str:
    config = json.dumps(json.loads(found.config.to_json()), indent=2)
    notes = "".join(
        f"- **{key}**: {text}\n" for key, text in sorted(found.notes.items()) if key != "scores"
    )
    return f"""# {name}

A network for video frame interpolation: it computes frames between two frames.

```console
$ pip install 'cdfi[hub]'
$ cdfi interpolate film.mp4 --model hf://OWNER/{name}
```

```python
import cdfi

middle = cdfi.Interpolator("hf://OWNER/{name}")(frame0, frame1)
```

| | |
|---|---|
| parameters | {found.parameters:,} |
| file | `model.safetensors`, {found.bytes / 1e6:.1f} MB, with its Config and a digest |
| digest of the weights | `{found.digest}` |

{notes}
## Architecture

```json
{config}
```
"""
