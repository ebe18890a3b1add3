"""What the panel asks of its worker. A task is a value that holds everything it needs, names the type of
its result, and is run in the worker process only; so a killed worker loses nothing but the task it was at.
"""

from hitpoint_plugin.tasks.base import Failure, Task
from hitpoint_plugin.tasks.files import Conflicts, Export, FindConflicts, Place, Placed, Unplace
from hitpoint_plugin.tasks.look import Fit, Line, LineOf, Open, Pictures, PictureSet, Waveform, WaveformOf
from hitpoint_plugin.tasks.scoring import Compose, Remake, Take, Watch, Watched

TASKS: dict[str, type[Task]] = {
    kind.__name__: kind
    for kind in (
        Open,
        Pictures,
        LineOf,
        Fit,
        WaveformOf,
        Watch,
        Compose,
        Remake,
        FindConflicts,
        Place,
        Unplace,
        Export,
    )
}

__all__ = [
    "TASKS", "Compose", "Conflicts", "Export", "Failure", "FindConflicts", "Fit", "Line", "LineOf", "Open",
    "PictureSet", "Pictures", "Place", "Placed", "Remake", "Take", "Task", "Unplace", "Watch", "Watched",
    "Waveform", "WaveformOf",
]  # fmt: skip
