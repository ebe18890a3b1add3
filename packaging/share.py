"""Makes what a desktop wants to know: the menu entry, and the icon in the sizes of the hicolor theme.

python packaging/share.py OUT
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtGui import QGuiApplication, QIcon

HERE = Path(__file__).parent
DRAWING = HERE.parent / "plugin" / "hitpoint_plugin" / "view" / "hitpoint.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> int:
    """Write OUT/applications and OUT/icons."""
    out = Path(sys.argv[1])
    app = QGuiApplication(sys.argv[:1])
    theme = out / "icons" / "hicolor"
    for size in SIZES:
        folder = theme / f"{size}x{size}" / "apps"
        folder.mkdir(parents=True, exist_ok=True)
        if not QIcon(str(DRAWING)).pixmap(size, size).save(str(folder / "hitpoint.png")):
            return 1
    (theme / "scalable" / "apps").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DRAWING, theme / "scalable" / "apps" / "hitpoint.svg")
    (out / "applications").mkdir(exist_ok=True)
    shutil.copyfile(HERE / "hitpoint.desktop", out / "applications" / "hitpoint.desktop")
    del app
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
