# clearhouse. `make` alone says what there is. Needs Python 3.11 or newer, pip and make; all else
# goes into .venv, pinned with hashes by requirements/*.txt.

VENV := .venv
BIN := $(VENV)/bin
SETUP := bash requirements/install.sh $(VENV)
UV ?= uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(UPGRADE)
# Anything more to say to the tool behind a target: make test ARGS='tests/kernel -x'
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak lock upgrade clean

help: ## Show this help
	@printf '\nclearhouse: a payment system that a marketplace runs itself\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n'

demo: $(VENV)/.runtime ## See a marketplace sell and pay its sellers, and the proof of its books
	@$(BIN)/clearhouse demo $(ARGS)

# Bytecode is kept, whatever the environment says, or each process compiles everything anew.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev ## Run all tests (under 10 minutes on 2 cores)
	@$(BIN)/python -m tests.browser.bring $(ARGS)
	@$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, floors, sizes, documentation, hygiene
	@$(BIN)/python -m checks

format: $(VENV)/.dev ## Format the code and mend what lint can mend by itself
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(VENV)/.runtime ## Measure intake and whole-life throughput beside pgbench
	@$(BIN)/clearhouse bench $(ARGS)

soak: $(VENV)/.dev ## Run the property-based tests with very many examples, and the slow tests
	@$(BIN)/pytest --hypothesis-profile=soak --timeout=0 -m 'soak or hypothesis' $(ARGS)

lock: ## Pin what pyproject.toml asks for (needs uv)
	@command -v $(UV) >/dev/null || { echo 'make lock needs uv: python3 -m pip install uv'; exit 1; }
	@$(COMPILE) pyproject.toml --group dev --output-file requirements/dev.txt
	@$(COMPILE) pyproject.toml --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@$(COMPILE) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	@echo 'requirements/*.txt are up to date'

upgrade: UPGRADE := --upgrade
upgrade: lock ## The same, with the newest versions of everything (needs uv)

clean: ## Remove the virtual environment and everything that tools left
	@rm -rf $(VENV) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests checks -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than its lock, or the install runs again.
$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt requirements/install.sh pyproject.toml
	@$(SETUP) runtime

$(VENV)/.dev: requirements/dev.txt requirements/build.txt requirements/install.sh pyproject.toml
	@$(SETUP) dev
