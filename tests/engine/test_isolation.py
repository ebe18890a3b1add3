"""The engine stands alone: importing every module of it must not reach for torch, Qt or TensorRT."""

import subprocess
import sys

PROBE = """
import importlib, pkgutil, sys

class Refuse:
    blocked = {"torch", "PyQt6", "tensorrt", "tensorrt_rtx", "librosa", "mido", "onnx",
               "hitpoint_plugin", "hitpoint_export", "hitpoint_training"}
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.blocked:
            raise AssertionError(f"the engine imported {name}")

sys.meta_path.insert(0, Refuse())
import hitpoint
found = pkgutil.walk_packages(hitpoint.__path__, "hitpoint.")
names = [module.name for module in found if not module.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_engine_module_imports_without_the_heavy_libraries() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 30


def test_the_probe_itself_refuses() -> None:
    planted = PROBE.replace("import hitpoint\n", "import hitpoint\nimport torch\n", 1)
    done = subprocess.run([sys.executable, "-c", planted], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "the engine imported torch" in done.stderr
