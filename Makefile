# The commands for development. They need Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
BIN := .venv/bin
ROOMS := config support api ops intake commerce ledger wallets accounts core manage.py

.DEFAULT_GOAL := help
.PHONY: help run test fuzz prove check check-ansible bench bench-growth sbom backup restore
.PHONY: clients settings-docs demo-reset lock clean install install-dev install-ansible

help: ## Show this list.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

run: install ## Start the service; without DATABASE_URL, with its own PostgreSQL in .data.
	@exec $(BIN)/python manage.py serve

test: install-dev ## Run every test that needs no network.
	@exec $(BIN)/python -m pytest $(ARGS)

fuzz: install-dev ## Run the fuzz tests with ten times as many random examples.
	@exec $(BIN)/python -m pytest tests/fuzz --hypothesis-profile=long $(ARGS)

prove: install-dev ## Kill processes under load and check the ledger; SEED=… repeats a run.
	@exec $(BIN)/python -m prove $(if $(SEED),--seed $(SEED)) $(ARGS)

check: install-dev ## Lint, types, import rules, vulnerabilities, container files, migrations.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --severity-level=medium -c pyproject.toml $(ROOMS)
	$(BIN)/python -m ops.vulnerabilities
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/python manage.py makemigrations --check --dry-run

check-ansible: install-dev install-ansible ## Lint the playbook, and test it without Docker.
	cd ansible && PATH="$(CURDIR)/.venv-ansible/bin:$$PATH" ansible-lint --offline
	@exec $(BIN)/python -m pytest tests/deployment $(ARGS)

bench: install ## Run the benchmarks (5 minutes).
	@exec $(BIN)/python -m bench $(ARGS)

bench-growth: install ## Run the benchmarks with ten million transactions (15 minutes).
	@exec $(BIN)/python -m bench.growth $(ARGS)

sbom: install-dev ## Write sbom.json, the service's dependencies (CycloneDX).
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--no-validate --output-file sbom.json requirements.txt 2>/dev/null

backup: install ## Dump the database into BACKUPS (backups).
	@exec $(BIN)/python manage.py backup $(or $(BACKUPS),backups)

restore: install ## Restore the dump FILE into an empty database.
	@exec $(BIN)/python manage.py restore $(or $(FILE),$(error FILE=backups/wallet-....dump))

clients: install-dev ## Generate the Postman collection and the Python client.
	@$(BIN)/python -m api.clients

settings-docs: install ## Generate .env.example and docs/settings.md from the declarations.
	@$(BIN)/python -m config.settings_docs

demo-reset: install ## Delete the demo's database. Refuses while it is in use.
	@exec $(BIN)/python manage.py demo_reset

lock: install-dev ## Pin and hash the packages of requirements*.in.
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-postgres.in --output-file requirements-postgres.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) ansible/requirements.in --output-file ansible/requirements.txt

clean: ## Delete the virtual environments and the caches, but no data.
	rm -rf tests/api/clients/newman/node_modules
	rm -rf .venv .venv-ansible .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.data/*' -prune -exec rm -rf {} +

install: .venv/.installed
install-dev: .venv/.installed-dev
install-ansible: .venv-ansible/.installed

LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt requirements-postgres.txt | .venv/bin/python
	@echo "Installing the packages of requirements.txt and PostgreSQL into .venv ..."
	@$(PIP_INSTALL) -r requirements.txt -r requirements-postgres.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "Installing the packages of requirements-dev.txt into .venv ..."
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

# A separate environment: Ansible needs other versions of some of the service's packages.
.venv-ansible/.installed: ansible/requirements.txt
	@echo "Installing Ansible into .venv-ansible ..."
	@$(PYTHON) -m venv .venv-ansible
	@.venv-ansible/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r ansible/requirements.txt
	@touch $@
