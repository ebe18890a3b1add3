"""Writes an AAF in a child process: OpenTimelineIO text on stdin, the file where the argument says."""

from __future__ import annotations

import json
import sys

from hitpoint.timeline.child import limit_resources


def main() -> None:
    """Read stdin, write the file, say on stdout what went wrong, if anything."""
    limit_resources()
    import opentimelineio as otio

    try:
        timeline = otio.core.deserialize_json_from_string(sys.stdin.buffer.read().decode("utf-8"))
        otio.adapters.write_to_file(timeline, sys.argv[1], adapter_name="AAF", use_empty_mob_ids=True)
        answer: dict[str, object] = {"done": True}
    except Exception as error:  # the library has no family of errors
        answer = {"fault": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
