"""The guarded child of the other formats: a file on stdin, the same as OpenTimelineIO text on stdout.

Run as `python -I child.py FORMAT`, with no environment. A crash of a format's library ends this process.
"""

from __future__ import annotations

import json
import sys

from hitpoint.errors import HitpointError
from hitpoint.timeline.child import limit_resources
from hitpoint.timeline.formats.registry import format_called
from hitpoint.timeline.formats.to_otio import otio_text


def read(name: str, data: bytes) -> dict[str, object]:
    """Either {"otio": text, "lost": [[trait, where], ...]} or {"fault": what, "todo": what to do}."""
    try:
        sheet = format_called(name).read(data)
        return {"otio": otio_text(sheet), "lost": [[extra.trait, extra.where] for extra in sheet.extras]}
    except HitpointError as error:
        return {"fault": error.what, "todo": error.todo}
    except RecursionError:
        return {"fault": f"The {name} file is nested too deep.", "todo": "Export it again."}
    except Exception as error:  # whatever a stranger's file does to a library is a damaged file
        detail = f"{type(error).__name__}: {error}"[:300]
        return {"fault": f"The {name} file cannot be understood ({detail}).", "todo": "Export it again."}


def main() -> None:
    """Read stdin, write stdout."""
    limit_resources()
    sys.stdout.write(json.dumps(read(sys.argv[1], sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
