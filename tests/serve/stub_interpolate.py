"""A stub of ``cdfi interpolate``.

The start of the source, or the environment variable ``STUB_MODE``, selects the behaviour:

- ``fail`` ends with an error, ``die`` with a signal;
- ``wait`` waits for a file ``go`` in the job's folder;
- ``busy`` writes 200 lines of progress.

Everything else makes a result of the source's bytes.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

MODES = ("fail", "die", "wait", "busy")


def main(words: list[str]) -> int:
    index = words.index("--")
    options, source = words[:index], Path(words[index + 1])
    target = Path(next(word for word in options if word.startswith("--output=")).split("=", 1)[1])
    mode = mode_of(source)
    progress(0, 10)
    if mode == "fail":
        print("cdfi: source0.mp4: no space left on the disk", file=sys.stderr)
        return 1
    if mode == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        wait(mode)
    except KeyboardInterrupt:
        return 130
    progress(10, 10)
    copy(source, target)
    print(json.dumps({"target": str(target), "frames": 10, "interpolated": 5, "words": options}))
    return 0


def mode_of(source: Path) -> str:
    content = b"" if source.is_dir() else source.read_bytes()
    found = [mode for mode in MODES if content.startswith(mode.encode())]
    return found[0] if found else os.environ.get("STUB_MODE", "")


def wait(mode: str) -> None:
    if mode == "wait":
        progress(3, 10)
    while mode == "wait" and not Path("go").exists():
        time.sleep(0.02)
    for index in range(200 if mode == "busy" else 0):
        progress(index, 200)
        time.sleep(0.02)


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    else:
        mark = b"" if "STUB_MODE" in os.environ else b"made of "
        target.write_bytes(mark + source.read_bytes())


def progress(done: int, total: int) -> None:
    print(json.dumps({"progress": {"done": done, "total": total}}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
