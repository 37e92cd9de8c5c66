# Everything runs in a virtual environment of its own: only python3 (3.10 to 3.13), pip and make are needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(if $(filter Windows_NT,$(OS)),$(VENV)/Scripts,$(VENV)/bin)

.PHONY: demo test test-slow lint format wheel-check clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        interpolate a short clip to twice its frame rate and show where it is"
	@echo "make test        the test suite (under three minutes on two cores)"
	@echo "make test-slow   the tests that take longer"
	@echo "make lint        ruff and mypy"
	@echo "make wheel-check build the wheel, install it into an empty environment, interpolate"

# torch first and alone: from its pinned version everything else follows.
$(VENV)/demo.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/cdfi demo --overwrite

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

test-slow: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel-check: $(VENV)/dev.stamp
	sh tests/wheel_check.sh $(BIN)/python

clean:
	rm -rf $(VENV) build dist demo
