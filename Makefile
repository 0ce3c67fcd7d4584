# `make` lists what can be made. Everything works on a fresh checkout: what is missing is set up first.
SHELL := /bin/sh
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PYTHON := $(BIN)/python
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate
PARTS := format-check lint contracts flows types readme wheel-check clients conform feed tests

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check $(PARTS) format coverage bench campaign pictures wheel lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup:  ## make .venv from the locked requirements (nothing to do when it is up to date)
	@sh .ci/setup.sh

run: setup  ## start the flow in flows.toml with its console
	@$(PYTHON) -m pipeline run flows.toml --console

demo: setup  ## start a practice venue and the four accounts of flows/networked.toml that trade there, with a console
	@bash .ci/demo.sh

test: setup  ## everything that must be green, then which part failed
	@bash .ci/parts.sh $(PARTS)

check: setup  ## the quick part of test: format, lint, types, contracts
	@bash .ci/parts.sh format-check lint types contracts

$(PARTS): setup  # one part of test by its name, as in `make types`
	@bash .ci/parts.sh $@

format: setup  ## lay out the code and mend what can be mended by itself
	@$(PYTHON) -m ruff check --fix --exit-zero --quiet .
	@$(PYTHON) -m ruff format .

coverage: setup  ## the tests once more, with the lines that none of them passes (it takes half as long again)
	@$(PYTHON) -m pytest --cov -n auto --maxprocesses 8 --dist worksteal

bench: setup  ## measure this machine: bars per second, latency, start
	@$(PYTHON) -m bench

campaign: setup  ## the slow tests: long runs, many seeds
	$(PYTHON) -m pytest -m slow --hypothesis-profile=campaign --durations=10 || [ $$? -eq 5 ] # 5: there is none
	$(PYTHON) -m pytest -m 'hypothesis and not slow' --hypothesis-profile=campaign -n auto --dist worksteal
	$(PYTHON) -m pytest tests/feed/acceptance.py -m slow -n 2
	$(PYTHON) -m pipeline sim --seeds 10000 --days 0.03 --jobs 2
	$(PYTHON) -m bench.reloads --times 100
	$(PYTHON) -m bench.soak --hours 168
	@bash .ci/questions.sh --examples 200

pictures: setup  ## draw the pictures of the README again (three minutes)
	@bash .ci/pictures.sh

wheel: setup  ## build the wheel into dist/
	@$(PYTHON) -m hatchling build -t wheel

lock:  ## take the newest versions the *.in files allow (needs uv)
	$(LOCK) --upgrade requirements.in -o requirements.txt
	$(LOCK) --upgrade requirements-build.in -o requirements-build.txt
	$(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt
	$(LOCK) --upgrade requirements-clients.in -o requirements-clients.txt
	$(LOCK) --upgrade requirements-campaign.in -o requirements-campaign.txt

clean:  ## remove what was made, but not what was recorded
	rm -rf .venv .venv-clients .venv-campaign .ci/clients/node_modules dist build htmlcov .coverage coverage.xml .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
