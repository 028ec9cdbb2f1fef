# The commands of this project; continuous integration runs the same ones (.ci/run).

.DEFAULT_GOAL := help
.PHONY: help run demo admin test check bench bench-upload bench-rest bench-chat schema openapi clean-data install format

# Node.js of the checkout, where the machine's own is too old.
ifneq ($(wildcard .cache/node/bin/node),)
export PATH := $(CURDIR)/.cache/node/bin:$(PATH)
endif

# Tests mostly wait for servers: with twice as many at once as two cores would take, those of the stream
# service last half as long.
export RUST_TEST_THREADS ?= 4

# One selection of packages for each profile: another one unifies features differently and builds half of the
# libraries anew.
DEBUG := cargo test --workspace --no-run
RELEASE := cargo build --release --workspace --bins
# npm and Python packages of the web client, of the end-to-end test and of the services' tests, as far as they
# have any.
WEB := $(patsubst %/package-lock.json,%,$(wildcard web/package-lock.json))
CLIENTS := $(patsubst %/package-lock.json,%,$(wildcard e2e/js/package-lock.json services/*/tests/*/package-lock.json)) \
	$(patsubst %/requirements.txt,%,$(wildcard e2e/*/requirements.txt))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings of run and demo: AIRWAVE_EDGE_PORT (8080), AIRWAVE_RTMP_PORT (1935), AIRWAVE_PORT_BASE (17000),"
	@echo "  AIRWAVE_DATA_DIR (.airwave), AIRWAVE_LISTEN (127.0.0.1), AIRWAVE_PUBLIC_HOST (localhost);"
	@echo "  those of the services are in .env.example and hold for run, too."

run: install page ## Run the whole platform until Ctrl-C
	$(RELEASE)
	@exec target/release/airwave-stack run

demo: ## Go live on the running platform with a test picture and a tone
	@exec target/release/airwave-stack demo

admin: ## Make a user of the running platform an admin: make admin NAME=...
	@exec target/release/airwave-stack exec auth admin grant $(NAME)

test: install page ## Run all tests against real servers
	@deploy/local/install $(CLIENTS)
	$(DEBUG)
	target/debug/airwave-stack test -- cargo test --workspace

check: install ## Format, lints, documentation and generated files, all without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	@AIRWAVE_WITH_SCHEMA_TOOLS=1 deploy/local/install
	$(DEBUG)
	target/debug/airwave-stack test -- target/debug/airwave-stack schema
	@for it in openapi asyncapi; do target/debug/gateway-describe $$it | diff -q - services/gateway/$$it.json || \
		{ echo "services/gateway/$$it.json is old: make openapi writes it"; exit 1; }; done
	cd web && npm run --silent check && npm test --silent
	deploy/check

bench: install page ## Measure the whole platform, release build
	@deploy/local/install $(CLIENTS)
	$(RELEASE)
	target/release/airwave-stack test -- target/release/bench-broadcast

bench-upload: install ## Measure the upload of a video of 2 GiB, release build
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

schema: install ## Write services/*/src/schema.rs from the migrations
	@AIRWAVE_WITH_SCHEMA_TOOLS=1 deploy/local/install
	$(DEBUG)
	target/debug/airwave-stack test -- target/debug/airwave-stack schema --write

openapi: install ## Write services/gateway/{openapi,asyncapi}.json from the code, and the page's types from them
	$(DEBUG)
	for it in openapi asyncapi; do target/debug/gateway-describe $$it > services/gateway/$$it.json || exit 1; done
	cd web && npm run --silent client

format: ## Format the code
	cargo fmt --all

clean-data: ## Forget what the platform and the tests stored
	@deploy/local/clean-data

install: ## Install what is missing on this machine
	@deploy/local/install $(WEB)

# The page is built again when a source of it is newer.
.PHONY: page
ifneq ($(wildcard web/package.json),)
page: install web/dist/index.html
web/dist/index.html: web/package.json $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
	cd web && npm run build
else
page:
endif
