"""Stands for ``cdfi interpolate`` in tests: the first word of the source says what happens.

``fail`` ends with an error, ``die`` with a signal, ``wait`` waits for a file ``go`` beside the
source. Everything else makes a result of the source's bytes.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(words: list[str]) -> int:
    place = words.index("--")
    options, source = words[:place], Path(words[place + 1])
    target = Path(next(word for word in options if word.startswith("--output=")).split("=", 1)[1])
    content = sorted(source.iterdir())[0].read_bytes() if source.is_dir() else source.read_bytes()
    progress(0, 10)
    if content.startswith(b"fail"):
        print("cdfi: source0.mp4: the disk burns", file=sys.stderr)
        return 1
    if content.startswith(b"die"):
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        while content.startswith(b"wait") and not source.with_name("go").exists():
            time.sleep(0.02)
    except KeyboardInterrupt:
        return 130
    progress(10, 10)
    if source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    else:
        target.write_bytes(b"made of " + content)
    print(json.dumps({"target": str(target), "frames": 10, "interpolated": 5, "words": options}))
    return 0


def progress(done: int, total: int) -> None:
    print(json.dumps({"progress": {"done": done, "total": total}}), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
