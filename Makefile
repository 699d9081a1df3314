# Holdfast. `make run` starts everything, `make test` tests everything; `make help` lists the rest.
# Nothing has to be set up first: what is missing is fetched into target/ and .cache/, or named.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Queries are checked against the committed .sqlx directories; building needs no database.
export SQLX_OFFLINE ?= true
CARGO := cargo
FLAGS := --release --locked
BIN := $(or $(CARGO_TARGET_DIR),target)/release
PG := $(BIN)/holdfast-pg
FILTER := $(if $(T),-- $(T))
# Most tests wait for a disk or a clock, not for a processor.
THREADS ?= 4
WITH_PG := RUST_TEST_THREADS=$(THREADS) $(PG) with --migrate --
WITH_EMBEDDED_PG := RUST_TEST_THREADS=$(THREADS) $(PG) with --pg-embedded --migrate --
# Which tests run is said by their names and never by a package: packages picked one by one would be
# compiled anew, with other features than the whole workspace has.
names = $(sort $(basename $(notdir $(wildcard $(1:=/*.rs)))) \
	$(notdir $(patsubst %/main.rs,%,$(wildcard $(1:=/*/main.rs)))))
# Units and everything with SQL in it, which is tested on the oldest PostgreSQL and on a new one.
UNIT_TESTS := --workspace --lib --bins $(addprefix --test ,$(call names,saga/*/tests services/*/tests))
# Whole clusters, each with a Postgres of its own.
CLUSTER_TESTS := --workspace $(addprefix --test ,$(call names,tests/tests))

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z%=A-Z -]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 26

.PHONY: run
run: needs ## build, start everything on a private Postgres, fill in sample stock (ARGS="--help")
	$(CARGO) build $(FLAGS) --workspace --bin holdfast
	exec $(BIN)/holdfast dev $(ARGS)

.PHONY: test
test: needs pg ## every test; `make test T=name` runs those whose name holds it
	$(CARGO) test $(FLAGS) --workspace --no-run
	$(WITH_PG) $(CARGO) test $(FLAGS) $(UNIT_TESTS) $(FILTER)
	$(PG) with -- $(CARGO) test $(FLAGS) $(CLUSTER_TESTS) $(FILTER)
	@if [ -n "$(T)" ] || [ "$$($(PG) find)" = "$$($(PG) find --pg-embedded)" ]; then exit 0; fi; \
	set -x; $(WITH_EMBEDDED_PG) $(CARGO) test $(FLAGS) $(UNIT_TESTS)

.PHONY: check
check: needs lint style pg ## formatting, lints, unit and SQL tests
	$(WITH_PG) $(CARGO) test $(FLAGS) $(UNIT_TESTS)

.PHONY: lint
lint: needs-lint ## formatting and clippy, warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(FLAGS) --workspace --all-targets -- -D warnings

.PHONY: style
style: ## lengths of files, direction of dependencies
	python3 .ci/style.py

.PHONY: show
show: ## the acceptance runs
	@for run in tests/show/*; do \
		if [ -x "$$run" ]; then \
			printf '  make show-%-14s %s\n' "$${run##*/}" "$$(sed -n '2s/^# *//p' "$$run")"; \
		fi; \
	done

# Every executable file tests/show/NAME is one run. Its second line, a comment, says what it shows;
# its last line of output is PASS or FAIL with its counts.
show-%: needs pg ## one of them
	$(CARGO) build $(FLAGS) --workspace --bin holdfast
	HOLDFAST=$(abspath $(BIN))/holdfast HOLDFAST_PG=$(abspath $(PG)) tests/show/$*

.PHONY: sqlx-data
sqlx-data: needs pg ## write the .sqlx directories anew, after a change of a query or a migration
	$(PG) with --pg-embedded --migrate -- .ci/sqlx-data

.PHONY: sqlx-check
sqlx-check: needs pg ## the .sqlx directories are what the queries and migrations make them
	$(PG) with --pg-embedded --migrate -- .ci/sqlx-data --check

.PHONY: proto
proto: needs ## buf lint, and buf breaking against the newest release
	.ci/proto

.PHONY: deny
deny: ## licences, bans and sources of the dependencies
	.ci/deny

.PHONY: needs needs-lint pg
needs:
	@.ci/needs
needs-lint: needs
	@.ci/needs rustfmt clippy
pg:
	$(CARGO) build $(FLAGS) --workspace --bin holdfast-pg
