"""A stub of the helper process, which returns the requests."""

import json
import os
import sys
from pathlib import Path

for line in sys.stdin:
    request = json.loads(line)
    values = request["values"]
    path = Path(
        values.get("path") or (values.get("paths") or values.get("inputs") or values["sources"])[0]
    )
    if path.is_file() and path.read_bytes().startswith(b"crash"):
        os._exit(1)
    if path.is_file() and path.read_bytes().startswith(b"bad"):
        answer = {"error": f"{path} is not a readable video"}
    else:
        if "target" in values and request["method"] != "plan":
            Path(values["target"]).write_bytes(b"a picture")
        answer = {"result": {"method": request["method"], "values": values, "count": 1}}
    print(json.dumps(answer), flush=True)
