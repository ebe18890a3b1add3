# Hitpoint: one entry for every command. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
APP := build/app
RECIPE ?= training/recipes/starter-cpu.toml
PIECES ?= 640
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
MINUTES ?=
BUNDLE ?= engine/hitpoint/bundles/starter

.DEFAULT_GOAL := help
.PHONY: help demo test check format battery bench figures starter docs-pictures system-deps wheel app app-smoke \
	install-desktop clean

help:  ## List the commands.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.installed-cpu  ## Draw a dancer, score the clip, say where the results are.
	$(BIN)/hitpoint demo --output demo-out

test: $(VENV)/.installed-dev  ## Run the whole suite.
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev  ## Formatting, lint, types, import contract.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## Format and fix what can be fixed.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

figures: $(VENV)/.installed-dev  ## The long figures of the documentation.
	$(BIN)/python -m pytest -m slow -s

battery: $(VENV)/.installed-dev  ## The reliability battery at its full figures; hours.
	nice -n 15 $(BIN)/python -m pytest -m battery -s --timeout 0

batch-proof: $(VENV)/.installed-dev  ## 200 real clips: two workers against one, killed 20 times, and on Ray.
	$(BIN)/python -m pytest -m slow -s tests/bench/test_batch_proof.py tests/engine/test_batch_cluster.py

bench: $(VENV)/.installed-dev  ## Timings beside other systems, into docs/benchmarks.md (quiet machine, 15 minutes).
	$(PIP) install --quiet --editable '.[bench]'
	$(BIN)/python tests/bench/run.py

starter: $(VENV)/.installed-dev  ## Corpus, training, export of the starter bundle (RECIPE=, PIECES=, MINUTES= a stage, BUNDLE=).
	$(BIN)/python -m hitpoint_training.corpus runs/corpus --count $(PIECES) --first-seed 0 --duration 25..40 --jobs $(JOBS)
	$(BIN)/python -m hitpoint_training train $(RECIPE) $(if $(MINUTES),--minutes $(MINUTES))
	$(BIN)/python -m hitpoint_training level $(RECIPE)
	$(BIN)/python export/build_onnx.py runs/$(basename $(notdir $(RECIPE))) -o $(BUNDLE)

docs-pictures: $(VENV)/.installed-dev  ## Draw the pictures of the documentation again.
	$(BIN)/python packaging/docs_pictures.py docs/pictures
	xvfb-run -a -s '-screen 0 1400x900x24' $(BIN)/python packaging/walkthrough.py docs/pictures

system-deps:  ## Install the programs that tests drive (Debian, as root or with sudo).
	sh packaging/system_deps.sh

wheel: $(VENV)/.installed-dev  ## The wheel, into dist/.
	$(BIN)/python -m hatchling build --target wheel --directory dist

app: $(APP)/.environment  ## Build dist/hitpoint, the program that runs without Python.
	$(APP)/venv/bin/pip install --quiet --no-deps --force-reinstall .
	$(APP)/venv/bin/python packaging/share.py $(APP)/share
	$(APP)/venv/bin/pyinstaller --noconfirm --distpath dist --workpath $(APP)/work packaging/hitpoint.spec
	cp -R $(APP)/share packaging/install_desktop.sh LICENSE LICENSE-GPL-3.0 dist/hitpoint/

app-smoke:  ## Work the built program without Python (APP_ROOT=FOLDER: in a system of its own, as root).
	$(PYTHON) packaging/smoke.py dist/hitpoint $(APP)/smoke $(if $(APP_ROOT),--root $(APP_ROOT))

install-desktop: $(VENV)/.installed-dev  ## Put the panel of this environment into your menu.
	$(BIN)/python packaging/share.py $(APP)/share
	sh packaging/install_desktop.sh $(abspath $(BIN)/hitpoint) $(APP)/share

clean:  ## Remove the environment and everything generated.
	rm -rf $(VENV) build dist demo-out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@echo "Creating the environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-cpu: pyproject.toml | $(VENV)/bin/python
	@echo "Installing Hitpoint for the CPU (about 300 MB the first time)"
	$(PIP) install --progress-bar on --editable '.[cpu]'
	@$(MAKE) --no-print-directory native
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing Hitpoint and everything for development"
	$(PIP) install --progress-bar on --editable '.[dev]'
	$(PIP) install --quiet --no-deps a-unet==0.0.16
	@$(MAKE) --no-print-directory native
	@touch $@ $(VENV)/.installed-cpu

# An environment of its own, so that nothing but what the program needs gets in: one OpenCV in the place of two,
# the graphics libraries and the pose model, which the program has nothing to fetch with.
$(APP)/.environment: pyproject.toml packaging/native_libs.py
	$(PYTHON) -m venv --clear $(APP)/venv
	$(APP)/venv/bin/pip install --progress-bar on '.[app]'
	$(APP)/venv/bin/pip uninstall --quiet --yes opencv-contrib-python opencv-python-headless
	$(APP)/venv/bin/pip install --quiet --no-deps opencv-python-headless==5.0.0.93
	$(APP)/venv/bin/python packaging/native_libs.py $(APP)/venv --always
	$(APP)/venv/bin/python -P -m hitpoint.motion.pose_model
	@touch $@

# mediapipe asks for the OpenCV build that links a desktop's libraries; the headless build of the same
# version offers the same module without them, and whichever is installed last is the one that counts.
.PHONY: native
native:
	$(PIP) install --quiet --no-deps --force-reinstall opencv-contrib-python-headless==5.0.0.93
	$(BIN)/python packaging/native_libs.py $(VENV)
