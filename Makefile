# mmqanet: `make demo` and `make test` are all a newcomer needs; both make the environment first and can be interrupted.
VENV ?= .venv
PY = $(VENV)/bin/python

.PHONY: help env demo test lint clean

help: ## list the targets
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/: .*## /\t/' | expand -t 10

env: ## make the virtual environment with everything in it
	@VENV=$(VENV) bash tools/setup_env.sh

demo: env ## draw the embedded data set, train, evaluate, parse pictures
	@$(PY) tools/demo.py

test: env ## run the test suite
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

lint: env ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m mypy

clean: ## remove what demo and test leave behind, not the environment
	rm -rf work_dirs/demo data/toy .pytest_cache .ruff_cache .mypy_cache
