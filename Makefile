# Thin: every target is one script or one cargo command. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test bench lint fmt fuzz schema

help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install what is missing, build, and open the demo (http://127.0.0.1:8080)
	@scripts/run.sh

test: ## Everything CI runs, with a table of minutes per stage
	@scripts/test.sh

bench: ## Speed and memory beside the barest programs that do the same (docs/benchmarks.md)
	@scripts/bench.sh

lint: ## Formatting, clippy, licences, layer guards, web lint
	@scripts/lint.sh

fmt: ## Format Rust and web sources
	@cargo fmt --all && scripts/web.sh format

fuzz: ## Fuzz every target for SECONDS each (default 60)
	@scripts/fuzz.sh $(or $(SECONDS_EACH),60)

schema: ## Export graphql/schema.graphql
	@cargo run --quiet -p meari -- schema > graphql/schema.graphql.new && mv graphql/schema.graphql.new graphql/schema.graphql
