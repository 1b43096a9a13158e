# `make` lists the targets. Each works on a fresh clone: it installs what it needs into this folder first.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/.tools/node/bin:$(PATH)

# Used if PATH has no Node that runs TypeScript directly.
NODE_VERSION := 24.21.0
NPM_VERSION := 11.19.1
IS_NODE_NEW := node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)' 2>/dev/null

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: .tools-node ## install the packages, and Node if the machine's is too old; can be run repeatedly
	@lock="$$(node -p process.version) $$(cksum package-lock.json)"; \
	  if [ "$$(cat node_modules/.installed 2>/dev/null)" != "$$lock" ]; then \
	    [ ! -L node_modules ] || { echo "make: node_modules is a link to packages of another lock file: install them where it leads to" >&2; exit 1; }; \
	    echo "Installing packages"; \
	    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && echo "$$lock" >node_modules/.installed; \
	  fi

# Packages contain their binaries, so no install scripts are run, and no compiler is needed.
.PHONY: .tools-node
.tools-node:
	@$(IS_NODE_NEW) || { \
	  command -v npm >/dev/null || { echo "make: needs Node 22.18 or newer, or any npm to fetch it with" >&2; exit 1; }; \
	  system=$$(uname -s | tr 'A-Z' 'a-z'); machine=$$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/'); \
	  echo "Fetching Node $(NODE_VERSION) into .tools/node"; \
	  rm -rf .tools/new && mkdir -p .tools/new/node/lib/node_modules && cd .tools/new && \
	  npm pack --silent "node-$$system-$$machine@$(NODE_VERSION)" npm@$(NPM_VERSION) >/dev/null && \
	  tar -xzf node-*.tgz -C node --strip-components=1 && \
	  mkdir node/lib/node_modules/npm && tar -xzf npm-*.tgz -C node/lib/node_modules/npm --strip-components=1 && \
	  ln -s ../lib/node_modules/npm/bin/npm-cli.js node/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js node/bin/npx && \
	  chmod +x node/bin/node node/lib/node_modules/npm/bin/npm-cli.js node/lib/node_modules/npm/bin/npx-cli.js && \
	  cd .. && rm -rf node && mv new/node node && rm -rf new && hash -r && $(IS_NODE_NEW); }

.PHONY: demo
demo: build ## single mode on a sample shop database: no server needed
	@node examples/demo/demo.ts

.PHONY: demo-ui
demo-ui: ui ## the sample shop, moving, with the web UI on it; prints address and login, ends with Ctrl-C
	@node examples/demo/demo-ui.ts

.PHONY: test
test: check ui ## everything that can be tested on this machine, including real servers; ARGS='--only PATTERN' or ARGS=--unit for less
	@node tools/run-tests.ts $(ARGS)

.PHONY: check
check: build ## types, lint, format, imports, words, lengths, files of connectors, error codes, guards, generated files, pages, duplicated code
	@node_modules/.bin/tsc --noEmit -p .
	@node_modules/.bin/tsc -p web
	@node_modules/.bin/biome ci --error-on-warnings .
	@node tools/check-imports.ts
	@node tools/check-system-words.ts
	@node tools/check-words.ts
	@node tools/check-circles.ts
	@node tools/check-lengths.ts
	@node tools/check-vocabulary.ts
	@node tools/check-codes.ts
	@node tools/check-docs.ts
	@node tools/check-invariants.ts
	@node tools/check-metrics.ts
	@node tools/check-node.ts
	@node tools/check-guards.ts
	@node crds/generate.ts --check
	@node_modules/.bin/jscpd .

.PHONY: ui
ui: build ## build the web UI into web/dist, which `idra api` serves; does nothing if it is up to date
	@node web/build.ts

.PHONY: screenshots
screenshots: ui ## pictures of the main pages of the web UI, into docs/ui
	@node e2e/ui/screenshots.ts

.PHONY: fmt
fmt: build ## format, and fix what the linter can fix
	@node_modules/.bin/biome check --write .

.PHONY: bench
bench: build ## the benchmarks
	@node bench/main.ts $(ARGS)

.PHONY: chaos
chaos: build ## inject faults at random moments, for as long as it runs: see e2e/chaos
	@node tools/run-tests.ts --folder e2e/chaos $(ARGS)

.PHONY: fuzz
fuzz: build ## random tables, Syncs and changes; finds silent loss: see e2e/fuzz
	@node e2e/fuzz/main.ts $(ARGS)

.PHONY: model
model: build ## 100,000 runs of the model of coordination, each with its own faults: see e2e/model
	@node e2e/model/run.ts $(ARGS)

.PHONY: hostile
hostile: build ## 10,000 mutated protocol streams for each client; ARGS='COUNT SEED CLIENT'
	@node e2e/hostile/streams.ts $(ARGS)

.PHONY: s3-proof
s3-proof: build ## S3 with agents and servers that are killed, an object of 1 GiB, 100,000 small objects
	@node e2e/s3/main.ts $(ARGS)

.PHONY: hostile-messages
hostile-messages: build ## 10,000 damaged messages (Avro, its schemas, events of Debezium) and answers of an HTTP API; ARGS='COUNT SEED KIND'
	@node e2e/hostile/messages.ts $(ARGS)

.PHONY: hostile-objects
hostile-objects: build ## 10,000 damaged objects of each format of S3; ARGS='COUNT SEED FORMAT'
	@node e2e/hostile/objects.ts $(ARGS)

.PHONY: kafka-proof
kafka-proof: build ## a million messages to PostgreSQL and back, under kills of agents and brokers: see e2e/kafka
	@node e2e/kafka/main.ts $(ARGS)

.PHONY: mongodb-proof
mongodb-proof: build ## 100,000 changes of MongoDB to PostgreSQL, under 20 kills; ARGS='--to mongodb': see e2e/mongodb-changes
	@node e2e/mongodb-changes/main.ts $(ARGS)

.PHONY: cluster-e2e
cluster-e2e: build ## the tests that need a complete Kubernetes cluster, named by KUBECONFIG
	@[ -n "$$KUBECONFIG" ] || { echo "make: set KUBECONFIG to a cluster that may be used for tests" >&2; exit 1; }
	@node tools/run-tests.ts --folder e2e/cluster $(ARGS)

.PHONY: kind
kind: build ## a local cluster in Docker, with the custom resources installed
	@kind get clusters 2>/dev/null | grep -qx idra || kind create cluster --config kind-config.yaml
	@kubectl --context kind-idra apply -f crds

.PHONY: clean
clean: ## remove what the other targets created, including Node and packages
	@rm -rf .tools node_modules dist .test-servers .idra "$${TMPDIR:-/tmp}/idra-test-servers-$$(id -u)"
