# `make` alone lists the targets. Each sets up what it needs, so the first one called in a fresh clone may be any.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The newest supported Python that really runs (a version manager's shim may be on the PATH and refuse).
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
  "$$name" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
  && echo "$$name" && break; done)

VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python

# Pinned: another version of buf may know other rules.
BUF := npx --yes --loglevel=error @bufbuild/buf@1.75.0
GOOGLEAPIS := var/googleapis

.PHONY: help
help: ## List the targets.
	@[[ -t 1 ]] && bold=$$'\e[1m' plain=$$'\e[0m' || bold= plain=; \
	awk -F ': .*## ' -v bold="$$bold" -v plain="$$plain" \
	  '/^[a-z-]+:.*## / { printf "  %s%-14s%s %s\n", bold, $$1, plain, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=…  the interpreter of a new $(VENV) (3.11 to 3.13)   CATALOG=…  a folder of photos for demo and run"
	@echo "  ARGS=…    further arguments, such as make test ARGS='tests/ranker -k prefix'"

# ---- using it: what is given as NAME=value, such as CATALOG, is in the environment of what runs

.PHONY: demo run jobs train
demo: setup ## Start everything, index real photos, recommend, and write var/demo/index.html.
	@$(RUN) -m demo $(ARGS)

run: setup ## The same as demo, and keep serving until Ctrl-C.
	@$(RUN) -m demo --serve $(ARGS)

jobs: setup ## Batch work over running services, such as ARGS='segments --catalogue shop'; without ARGS: its help.
	@$(RUN) -m jobs $(or $(ARGS),--help)

train: var/envs/train/.packages ## Teach the network's last stage your photos, such as ARGS='photos/ labels.csv --out shop.json' (PyTorch: 6 GB).
	@var/envs/train/bin/python -m train $(or $(ARGS),--help)

# ---- setting up: two stamps, so that an edit of pyproject.toml does not install sixty packages again

.PHONY: setup
setup: $(VENV)/.project ## Make .venv with everything pinned (needs Python 3.11 to 3.13 and a package registry).

$(VENV)/.project: $(VENV)/.packages pyproject.toml
	@$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.packages: requirements/dev.txt | $(RUN)
	@echo "Installing the pinned packages into $(VENV) …"
	@$(RUN) -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

$(RUN):
	@[[ -n "$(PYTHON)" ]] || { echo "visrec needs Python 3.11, 3.12 or 3.13 with its venv module (on Debian: python3-venv)." \
	  "None is on the PATH; name one with make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit( \
	  f"visrec needs Python 3.11, 3.12 or 3.13; $(PYTHON) is {sys.version.split()[0]}")'
	@$(PYTHON) -m venv $(VENV)

# ---- environments beside the development one, of the same Python

.PRECIOUS: var/envs/%/.packages
var/envs/%/.packages: requirements/%.txt | $(RUN)
	@echo "Installing the pinned packages of $< into var/envs/$* …"
	@rm -rf var/envs/$* && $(RUN) -m venv var/envs/$*
	@var/envs/$*/bin/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@

# ---- checking it

CHECKS := locks format lint types imports protos buf settings deploy

.PHONY: check $(CHECKS:%=check-%)
check: $(CHECKS:%=check-%) ## Everything but the tests: style, types, imports, contract, locks, manifests.
	@echo "All checks passed."

check-locks: setup
	@$(RUN) -m tooling.locks --check

check-format: setup
	@$(BIN)/ruff format --check --quiet .

check-lint: setup
	@$(BIN)/ruff check --quiet .

check-types: setup
	@$(BIN)/mypy --no-error-summary

check-imports: setup
	@$(BIN)/lint-imports --no-logo

check-protos: setup
	@$(RUN) -m tooling.protos --check

# Breaking changes are those against the last release; before there is one, anything may change.
check-buf: setup
	@if ! command -v npx >/dev/null; then echo "buf: left out, it needs node (npx)"; exit 0; fi
	@$(RUN) -m tooling.protos --imports $(GOOGLEAPIS)
	@$(BUF) lint protos
	@release=$$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || exit 0; \
	rm -rf var/released && mkdir -p var/released/$(GOOGLEAPIS) && cp -r $(GOOGLEAPIS) var/released/var/; \
	git archive "$$release" buf.yaml protos | tar -x -C var/released; \
	$(BUF) breaking --against var/released

check-settings: setup
	@$(RUN) -m tooling.readme --check

check-deploy: setup
	@$(RUN) -m deploy.check

.PHONY: test test-train soak fuzz
test: setup var/envs/interop/.packages ## The tests; a private Redis is started for them.
	@$(BIN)/pytest $(ARGS)

test-train: var/envs/train/.packages ## All tests of training, those that need PyTorch, too; `make test` leaves these out.
	@var/envs/train/bin/python -m pytest tests/train $(ARGS)

soak: setup ## The long crash and load runs that `make test` leaves out.
	@$(BIN)/pytest -m soak -o faulthandler_timeout=3600 $(ARGS)

fuzz: setup var/envs/fuzz/.packages ## Broken and hostile pictures against the decoder, as many as ARGS say.
	@var/envs/fuzz/bin/python -m tests.fuzz.pictures $(ARGS)

# ---- measuring it

.PHONY: eval bench bench-embedder bench-indexer bench-profile bench-ranker bench-jobs bench-train load
eval: setup ## Quality: labelled pictures through every block, recommendations against what people did later, learned weights.
	@$(RUN) -m bench.quality $(ARGS); pictures=$$?; $(RUN) -m bench.recommendation; people=$$?; \
	$(RUN) -m bench.learning && exit $$((pictures || people))

bench: setup ## Speed on this machine: throughput, p50 and p99, CPU a request beside an empty call.
	@$(RUN) -m bench.cost $(ARGS)

bench-embedder: setup var/envs/peers/.packages ## The embedder beside a bare loop and other servers (ARGS=--soak: memory).
	@$(RUN) -m bench.embedder $(ARGS)

bench-indexer: setup var/envs/vectors/.packages ## The indexer beside its parts and other servers, and as it grows.
	@$(RUN) -m bench.indexer $(ARGS)

bench-profile: setup ## Tastes and events beside an empty call, and what a person takes in memory (ARGS=--full: 100,000).
	@$(RUN) -m bench.profile $(ARGS)

bench-ranker: setup ## Recommendations with everything behind them: CPU, throughput, latency (ARGS=--keep: fill once).
	@$(RUN) -m bench.ranker $(ARGS)

bench-train: var/envs/train/.packages ## Fine-tuning beside heads, on labelled photos (CLOTHING=…; ARGS=--choose tries settings).
	@var/envs/train/bin/python -m train.bench $(ARGS)

bench-jobs: setup ## Every job on 100,000 items and 10,000 people: time, memory (ARGS=--kill: killed and run again).
	@$(RUN) -m bench.jobs $(ARGS)

load: setup ## The real ghz against the running services, one row for each configuration of deploy/ghz.
	@$(RUN) -m bench.load $(ARGS)

# ---- changing it

.PHONY: format protos readme lock fit clean
format: setup ## Format the code and fix what can be fixed mechanically.
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

protos: setup ## Generate visrec/v1 and the embedder's inference messages from protos/.
	@$(RUN) -m tooling.protos

readme: setup ## Write the settings into README.md.
	@$(RUN) -m tooling.readme

lock: setup ## Resolve requirements/*.txt after a change of dependencies (ARGS=--upgrade for new versions).
	@$(RUN) -m tooling.locks $(ARGS)

fit: setup ## Fit lite0 anew on the pictures it was fitted on (needs apt of Debian 12, npm, pip).
	@$(RUN) -m tooling.varied var/varied
	@$(RUN) -m services.embedder.fit --model lite0 \
	  --source "$$($(RUN) -m tooling.varied var/varied | sed -n 's/^--source "\(.*\)"$$/\1/p')" var/varied $(ARGS)

clean: ## Remove the virtual environments and caches; var/, where the data lives, stays otherwise.
	@rm -rf $(VENV) var/envs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
