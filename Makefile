# mmqanet: `make demo` and `make test` are all a newcomer needs; both make the environment first and can be interrupted.
VENV ?= .venv
PY = $(VENV)/bin/python

.PHONY: help env demo test test-processors test-upstream docs lint clean

help: ## list the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: .*## /\t/' | expand -t 18

env: ## make the virtual environment with everything in it
	@VENV=$(VENV) bash tools/setup_env.sh

demo: env ## draw the embedded data set, train, evaluate, parse pictures
	@$(PY) tools/demo.py

test: env ## run the test suite
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile

# What numpy does without; older and newer ones call it differently and pass over what they do not know.
AVX512 = AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4
test-processors: env ## run the suite as other processors would, one after the other
	@for kind in 'SSE41 default 2 AVX F16C FMA3 AVX2 X86_V3 $(AVX512)' 'AVX2 avx2 1 $(AVX512)' 'AVX512_CORE avx512 2'; do \
	    set -- $$kind; onednn=$$1 aten=$$2 threads=$$3; shift 3; \
	    echo "== ONEDNN_MAX_CPU_ISA=$$onednn ATEN_CPU_CAPABILITY=$$aten OMP_NUM_THREADS=$$threads NPY_DISABLE_CPU_FEATURES='$$*'"; \
	    ONEDNN_MAX_CPU_ISA=$$onednn ATEN_CPU_CAPABILITY=$$aten OMP_NUM_THREADS=$$threads NPY_DISABLE_CPU_FEATURES="$$*" \
	        $(PY) -m pytest -n 2 --dist loadfile || exit 1; \
	done

test-upstream: ## run the suite on the packages of OpenMMLab, in an environment of its own
	@VENV=.venv-upstream STACK=upstream bash tools/setup_env.sh
	@OMP_NUM_THREADS=1 .venv-upstream/bin/python -m pytest -n 2 --dist loadfile

docs: env ## build the documentation as a site in site/; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

lint: env ## ruff and mypy
	@$(PY) -m ruff check .
	@$(PY) -m mypy

clean: ## remove what demo and test leave behind, not the environment
	rm -rf work_dirs/demo data/toy site .pytest_cache .ruff_cache .mypy_cache
