# Every target sets up what it needs by itself: `make demo` in a fresh clone is all there is to know.
# ARGS goes to the command of the target: `make test ARGS="-k calendar"`, `make up ARGS="--copies 2"`.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Most tests wait for servers, so one worker more than CI has processors; the files with servers come first, in order of their names.
WORKERS ?= 3
# What `unit` and `coverage` run; what is marked `slow` runs with `test` only. Each process gets neighbours, which share what they prepare.
# None needs the fixtures of servers, and without them each process begins half a second sooner.
UNIT := tests/unit tests/contract -p no:tests.kit.parts -m "not slow" --hypothesis-profile quick -n logical --dist worksteal
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --quiet

.PHONY: help up demo test unit coverage faults lint bench smoke recovery format lock docs pictures system-packages start-cache setup

# Whatever the environment says, compiled files are kept: each worker of each run would compile all tests anew.
unit coverage test: export PYTHONDONTWRITEBYTECODE :=

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

demo: $(READY) ## play a customer's story through the whole stack and check it (ARGS=--keep leaves it to look at, ARGS="--story moving-in" plays another)
	$(BIN)/tenure demo $(ARGS)

up: $(READY) ## run the whole stack on fixed ports until Ctrl-C
	$(BIN)/tenure up --ports fixed --ready-file .tenure/ready.json $(ARGS)

test: $(READY) system-packages start-cache ## run the whole suite, without the long fault runs
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

unit: $(READY) ## run the fast tests: no server, nothing marked `slow`, a tenth of the examples of properties
	$(BIN)/pytest $(UNIT) --durations 5 --durations-min 0.5 $(ARGS)

lint: $(READY) ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(READY) ## put the code into its format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

coverage: $(READY) ## run what `make unit` runs and print which lines it reaches; fails below the floor of pyproject.toml
	$(BIN)/pytest $(UNIT) --quiet --cov --cov-report=term $(ARGS)

faults: $(READY) start-cache ## the long fault runs: services and broker killed again and again
	$(BIN)/pytest -m faults tests/faults $(ARGS)

bench: $(READY) ## run the benchmarks: a table, and figures as JSON
	$(BIN)/python -m benchmarks $(ARGS)

smoke: $(READY) ## a minute's benchmark: fails where an event has become dearer, beside a bare loop, than benchmarks/reference.json says (ARGS=--write writes that anew)
	$(BIN)/python -m benchmarks smoke $(ARGS)

recovery: $(READY) ## let services, broker and database die, and measure how long it takes until everything goes on
	$(BIN)/python -m benchmarks recovery $(ARGS)

docs: $(READY) ## write the generated documents anew
	$(BIN)/python -m tests.published --write
	$(BIN)/python -m tests.pages --write

pictures: $(READY) system-packages ## take the pictures of the documents anew, from a running stack
	$(BIN)/tenure demo --pictures docs/pictures

lock: $(READY) ## resolve all dependencies anew (ARGS="--upgrade" for newer ones) and write the locks
	$(COMPILE) $(ARGS) pyproject.toml -o requirements/run.lock
	$(COMPILE) $(ARGS) pyproject.toml --extra local --extra dev -o requirements/all.lock
	echo "uv==$$($(BIN)/uv --version | cut -d' ' -f2)" | $(COMPILE) --no-annotate --no-header - -o requirements/uv.txt
	$(BIN)/python -m tenure.local.jars

system-packages: ## install the few system programs that tests use, where that is possible
	@.ci/system-packages

start-cache: $(READY) ## make the cache with which Kafka starts in half the time; without it all works too
	-@$(BIN)/python -m tenure.local.start_cache

setup: $(READY) ## only set up

# One virtual environment, exactly as locked; made again when a lock changes.
$(READY): requirements/uv.txt requirements/all.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tenure needs Python 3.11 or newer; say which with PYTHON=...")'
	@echo "setting up .venv (once; the packages are fetched as locked)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt
	$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/all.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
