# Two commands matter: `make run` starts the service, `make test` proves it.
# Everything that they need is installed into .venv from requirements.lock, by hash.

PYTHON ?= python3
BIN := .venv/bin
MEMBERS := $(wildcard packages/*) $(wildcard apps/*)
STAMP := .venv/.installed
# Trust what the machine trusts: companies put their own certificates there.
export UV_SYSTEM_CERTS ?= 1
export UV_LINK_MODE ?= copy
unexport VIRTUAL_ENV PYTHONPATH
# Without its compiled modules every process would compile all of them again: seconds for each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run test prove verify lint fmt docs bench services secrets baseline sbom image image-test lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Install everything into .venv, locked by hash

$(STAMP): requirements.lock pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] + ": set PYTHON=...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv ..."
	@$(BIN)/python scripts/bootstrap.py requirements.lock $(MEMBERS)
	@touch $@

run: $(STAMP) ## Start the whole service on http://localhost:5004, nothing else needed
	@$(BIN)/payments serve --development $(ARGS)

test: $(STAMP) ## Run the suite against real servers (all but the slow proofs)
	@$(BIN)/python scripts/services.py run -- $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
		-m "not slow and not sandbox and not image" $(ARGS)

PROVE = scripts/services.py run -- $(BIN)/python -m pytest $(ARGS)

# A proof that measures times has the machine for itself. ARGS may leave one of the two with nothing (5).
define proofs
@$(1) $(BIN)/python $(PROVE) -n 2 --dist loadfile -m "slow and not alone and not sandbox and not image$(2)" || [ $$? -eq 5 ]
@$(1) $(BIN)/python $(PROVE) -m "slow and alone and not sandbox" || [ $$? -eq 5 ]
endef

prove: $(STAMP) ## Run the long proofs that CI has the time for
	$(call proofs,, and not release)

verify: $(STAMP) ## Run all the proofs, with the counts of a release
	$(call proofs,PROOF_SCALE=release)

lint: $(STAMP) ## ruff, mypy --strict, import contracts, spelling, AsyncAPI, what deploys
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/codespell $$(git ls-files -co --exclude-standard | grep -vE '\.lock$$|flame\.svg$$')
	@$(BIN)/python -m scripts.check_asyncapi
	@$(BIN)/python -m scripts.check_deploy

fmt: $(STAMP) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

docs: $(STAMP) ## Build the pages as a site in var/site; a broken link fails
	@$(BIN)/python -m sphinx -qEaWn --keep-going -c scripts/site -d var/site.read . var/site
	@echo "var/site/index.html"

bench: $(STAMP) ## Measure, as ratios within one run
	@$(BIN)/python scripts/services.py run -- $(BIN)/python -m benchmarks $(ARGS)

bench-full: $(STAMP) ## The same with ten million payments in the largest table; an hour at most
	@$(MAKE) --no-print-directory bench ARGS="--payments 10000000 $(ARGS)"

services: $(STAMP) ## Start or find the servers of the tests and print their addresses
	@$(BIN)/python scripts/services.py show

image: ## Build the container image without a Docker engine (root, buildah, mmdebstrap)
	@scripts/image.sh build

image-test: $(STAMP) image ## Build it and take a first payment with it, against real servers
	@$(BIN)/python scripts/services.py run -- $(BIN)/python -m pytest -m image tests/deploy $(ARGS)

secrets: $(STAMP) ## Look for keys and passwords in all that is or would be committed
	@git ls-files -zco --exclude-standard | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline

baseline: $(STAMP) ## Write down what that search passes over; look at what it adds
	@$(BIN)/detect-secrets scan -n --slim --exclude-files \
		'^(.*\.lock|\.secrets\.baseline)$$' > .secrets.new
	@mv .secrets.new .secrets.baseline
	@git diff --stat .secrets.baseline

sbom: $(STAMP) ## List what runs in production in var/sbom.cdx.json (CycloneDX)
	@rm -rf var/sbom
	@$(BIN)/python -m venv --without-pip var/sbom
	@$(BIN)/python scripts/bootstrap.py --into var/sbom requirements.lock $(MEMBERS) 'packages/payments-bootstrap[otel]'
	@$(BIN)/cyclonedx-py environment var/sbom --pyproject pyproject.toml --output-reproducible -o var/sbom.cdx.json
	@rm -rf var/sbom
	@echo "var/sbom.cdx.json"

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(ARGS)
OURS = $(patsubst apps/%,payments-%,$(patsubst packages/%,%,$(MEMBERS)))

# What uv finds in the file that it writes it keeps, as far as it still fits.
lock: $(STAMP) ## Lock what was added and keep the rest (ARGS=--upgrade: take the newest of all)
	@$(COMPILE) pyproject.toml --group dev --group docs --group bench \
		$(addprefix --no-emit-package ,$(OURS)) -o requirements.lock
	@$(COMPILE) scripts/deploy/requirements.in -o scripts/deploy/requirements.lock

clean: ## Remove what was installed and what was written
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis
