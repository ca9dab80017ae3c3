# Azimuth's commands. `make` alone lists them; each sets up what it needs first.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The C++ engine is compiled through ccache, in a folder that outlives this clone: the first build takes minutes,
# every later one seconds. ccache knows a file by its content and its compiler flags, so clones cannot mix.
AZIMUTH_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/azimuth
export AZIMUTH_CACHE
export CMAKE_C_COMPILER_LAUNCHER := ccache
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
export CCACHE_DIR := $(AZIMUTH_CACHE)/ccache
export CCACHE_MAXSIZE := 2G
export CCACHE_NOHASHDIR := 1

export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: help run test check conformance load setup env

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and start Azimuth; ARGS="--listen 0.0.0.0:8080" goes to `azimuth serve`
	@scripts/setup.sh
	cargo build --release --locked --package azimuth
	@exec "$(CARGO_TARGET_DIR)/release/azimuth" serve --show-key $(ARGS)

test: ## The whole test suite, to the end, with a summary
	@scripts/setup.sh --test
	@scripts/test.sh

check: ## What a change must pass beside the tests: format, clippy, docs, tidy, licences, unused crates
	@scripts/setup.sh
	cargo xtask check

conformance: ## Real SDKs against a running Azimuth; SUITES="zai-sdk openai-node" picks some
	@scripts/setup.sh --test
	cargo build --locked --package azimuth
	@conformance/run.py $(SUITES)

load: ## Measure the gateway and the engine; load/README.md has the figures
	@scripts/setup.sh
	cargo run --release --locked --package load -- $(ARGS)

setup: ## Install what building and testing need, and say what was missing
	@scripts/setup.sh --test

# For a shell of one's own: eval "$(make -s env)"
env: ## Print the settings of the build cache, to be evaluated by a shell
	@printf 'export %s=%q\n' \
	  CMAKE_C_COMPILER_LAUNCHER ccache CMAKE_CXX_COMPILER_LAUNCHER ccache \
	  CCACHE_DIR "$(CCACHE_DIR)" CCACHE_MAXSIZE "$(CCACHE_MAXSIZE)" CCACHE_NOHASHDIR 1
