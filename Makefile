# Each target sets itself up: one virtual environment, every extra, the project editable; the scanners of
# `check` have one of their own, since they pin other versions of the same libraries.
# A bare Python >= 3.11 is all that must be there; 3.12 and 3.11 carry a Redis server in a wheel.
PYTHON ?= $(firstword $(shell for p in python3 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p; done) python3)
BIN := .venv/bin
READY := .venv/.ready
SCAN := .venv-scan/bin
SCAN_READY := .venv-scan/.ready
ENGINE_READY := .engine/.ready

.PHONY: run test engine check build bench pictures mutate soak fuzz clean

run: $(READY)
	$(BIN)/python -m local $(ARGS)

# One process a core, a file to one of them: what a file's tests share is made once. The long ones come first.
test: $(READY) $(SCAN_READY)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

# The real engine, a JVM, against the embedded AWS. It wants a JDK, 17 or newer, and Maven, and says so. Most of
# it is waiting, so its files run beside each other.
engine: $(READY) $(ENGINE_READY)
	$(BIN)/python -m pytest tests/engine -m engine --numprocesses 4 --dist loadfile $(ARGS)

check: $(READY) $(SCAN_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python build.py --check --reports build
	$(BIN)/python -m topology access --check
	$(BIN)/python -m topology diagram --check
	$(BIN)/python -m rules --check
	$(BIN)/python -m mutation --check
	$(SCAN)/python -m scanners
	$(BIN)/python -m topology policies --json | $(SCAN)/python topology/parliament_check.py

build: $(READY)
	$(BIN)/python build.py $(ARGS)
	$(BIN)/python -m topology access
	$(BIN)/python -m topology diagram
	$(BIN)/python -m rules

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

# What docs/watching.md shows: a trial on a simulated month.
pictures: $(READY)
	mkdir -p build
	$(BIN)/python -m local.spindle > build/spindle.csv
	$(BIN)/python -m processor rules try --file build/spindle.csv --definition '{"kind": "deviation"}' --plot docs/watching.png

# What has changed since docs/mutation.json; FULL=1: by the scanners too; ARGS=--anew: everything.
mutate: $(READY) $(SCAN_READY)
	$(BIN)/python -m mutation $(if $(FULL),--full) $(ARGS)

# The deployer killed at every kind of point, and the next command: ARGS="--tries 500 --seed 7". Then harm of
# every kind to running processors: FAULTS="--faults 2000 --seed 7". Then two hundred kills of the engine's
# workers, daemons and children: KILLS="--kills 500 --seed 7". Last both logins rotated every few seconds for
# five minutes, under full load: ROTATING="--for 60".
soak: $(READY) $(ENGINE_READY)
	$(BIN)/python -m local.soak $(ARGS)
	$(BIN)/python -m local.faults $(FAULTS)
	$(BIN)/python -m local.engine kills $(KILLS)
	$(BIN)/python -m local.rotating $(ROTATING)

# Ten minutes of odd input, led by the coverage it reaches; ARGS="-max_total_time=60".
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m fuzz $(ARGS)

clean:
	rm -rf .venv .venv-scan .engine .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "millrace needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Install one, or name it: make PYTHON=/path/to/python3")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	@touch $@

$(SCAN_READY): constraints-scan.txt
	$(PYTHON) -m venv --clear .venv-scan
	$(SCAN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement constraints-scan.txt
	@touch $@

$(ENGINE_READY): engine/install.sh engine/pom.xml engine/jars.sha256 engine/logback.xml $(shell find engine/src -name '*.java')
	bash engine/install.sh .engine
	@touch $@
