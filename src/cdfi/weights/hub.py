"""hub_file: the file of a model on the Hugging Face hub, from its cache or downloaded."""

import os
import re
from pathlib import Path

from cdfi.common.errors import first_line
from cdfi.common.extras import need

PREFIX = "hf://"
FILE = "model.safetensors"
_FORM = re.compile(
    r"hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+?))?(?::(?P<file>[\w./-]+))?"
)


def hub_file(name: str) -> Path:
    """Return the local file of ``hf://owner/name[@revision][:file]``.

    It is downloaded to the cache of ``huggingface_hub``, whose environment variables apply
    (``HF_HOME``, ``HF_TOKEN``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``). Only safetensors files are
    read. The reader of the file compares its weights with the digest in its metadata.

    Args:
        name: the file is ``model.safetensors`` and the revision the main branch by default.

    Raises:
        ValueError: the name has another form, ``huggingface_hub`` is missing, or the hub has no
            such model, revision or file.
        OSError: the hub cannot be reached, and the file is not in the cache.
    """
    found = _FORM.fullmatch(name)
    if found is None:
        raise ValueError(f"expected {PREFIX}owner/name, with @revision or :file, got {name!r}")
    file = found["file"] or FILE
    if not file.endswith(".safetensors"):
        raise ValueError(f"{name}: only .safetensors files are read from a hub, not {file}")
    hub = need("huggingface_hub", f"{name}: a model on the hub", "cdfi[hub]")
    errors = need("huggingface_hub.errors", f"{name}: a model on the hub", "cdfi[hub]")
    try:
        path = hub.hf_hub_download(
            found["repository"],
            file,
            revision=found["revision"],
            endpoint=os.environ.get("HF_ENDPOINT"),
            library_name="cdfi",
        )
    except errors.LocalEntryNotFoundError as error:
        raise OSError(
            f"{name} is not in the cache of the hub, and the hub cannot be reached"
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ValueError(
            f"{name}: the hub has no such model or revision, or it is private"
        ) from error
    except errors.EntryNotFoundError as error:
        raise ValueError(f"{name}: the model has no file {file}") from error
    except errors.HfHubHTTPError as error:
        raise OSError(f"{name}: {first_line(error)}") from error
    return Path(path)
