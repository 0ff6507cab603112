# Two commands matter: `make course` and `make test`. `make help` lists the rest.

PYTHON ?= python3
PIP_OPTIONS ?=
# Three workers on two cores: many tests wait, for a network that is broken or a limit of time.
PYTEST_OPTIONS ?= -n 3 --dist worksteal --durations=25
BANK ?= changed
ASSIGNMENT ?=
FAULTS ?=
NEXA_PROFILE ?= full

VENV := .venv
BIN := $(VENV)/bin
INSTALL := .ci/pip_install.py
ONE = $(addprefix --assignment ,$(ASSIGNMENT))
RELEASED = $(or $(ASSIGNMENT),$(notdir $(wildcard release/*)))
BENCHMARKS = $(filter-out _% report common gpu injection,$(basename $(notdir $(wildcard benchmarks/*.py))))

export NEXA_STARTED := $(shell date +%s)
export NEXA_PROFILE
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help course test lint sync release deployed-model solutions benchmarks adapters mutants grader-report security-report colab-check dist browser planted-faults clean

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PYTHON=python3.12     the Python (3.11 or newer) that environments are made with"
	@echo "  PIP_OPTIONS=\"...\"     more options for pip, e.g. an index that holds a CPU-only torch"
	@echo "  BANK=all              for test: the whole bank of answers, not only the changed TODOs"
	@echo "  ASSIGNMENT=name       for course, release, solutions, mutants and colab-check: this one alone"
	@echo "  FAULTS=policy         for planted-faults: only those whose file has this in its name"
	@echo "  NEXA_PROFILE=fast     for course and solutions: a run of a minute in place of full"

course: $(VENV)/.course ## generate the release, execute the solved notebook, grade the reference
	@$(BIN)/python -m authoring.make_course $(ONE)

test: $(VENV)/.test ## run every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest --bank $(BANK) $(PYTEST_OPTIONS)

lint: $(VENV)/.lint ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

sync: $(VENV)/.course ## write the code of nexa_helpers/ into the notebook's cells
	@$(BIN)/python -m authoring.sync
	@$(BIN)/python -m authoring.grader_packages

release: $(VENV)/.course ## generate release/ from source/ (and update the gradebook)
	@set -e; for name in $(RELEASED); do $(BIN)/python -m nbgrader generate_assignment $$name; done

deployed-model: $(VENV)/.course ## train the model that follows notes (forty minutes on one core)
	@$(BIN)/python -m authoring.train_deployed_model

solutions: $(VENV)/.course ## execute the source notebook and keep it, with outputs, in solutions/
	@$(BIN)/python -m authoring.make_course solutions $(ONE)

benchmarks: $(VENV)/.test ## measure every figure and rewrite docs/benchmarks.md
	@set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done
	@$(BIN)/python -m benchmarks.report

adapters: $(VENV)/.test ## train the real model's ready-made adapters (hours on two cores; resumable), measure them
	@$(BIN)/python -m authoring.adapters
	@$(BIN)/python -m benchmarks.adapters
	@$(BIN)/python -m authoring.sync --assignment real_model

mutants: $(VENV)/.course ## make one small mistake at a time: do the graded cells see each?
	@OMP_NUM_THREADS=1 $(BIN)/python -m authoring.mutants $(ONE)

grader-report: $(VENV)/.course ## grade the bank of answers with nbgrader, rewrite docs/grader-report.md
	@$(BIN)/python -m authoring.collateral
	@$(BIN)/python -m authoring.grader_report

security-report: $(VENV)/.test ## try every attack on the autograder, rewrite docs/security.md
	@$(BIN)/python -m authoring.security_report

colab-check: $(VENV)/.course .venv-colab/.ready ## run each notebook and its release with Colab's package versions
	@$(BIN)/python tests/colab/check.py .venv-colab/bin/python $(ONE)

dist: $(VENV)/.course ## build the students' zip file and the grader's wheel, in dist/
	@$(BIN)/python -m authoring.student_bundle dist
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist ./grader
	@ls dist

browser: $(VENV)/.browser ## try the course in a real browser (needs Chromium), screenshots in build/browser/
	@OMP_NUM_THREADS=1 $(BIN)/python tests/browser/run.py

planted-faults: $(VENV)/.test ## plant twenty faults, one at a time: do the tests still see each?
	@$(BIN)/python -m tests.planted_faults $(FAULTS)

clean: ## remove build/ (the environments stay)
	rm -rf build

# One environment; each extra adds to it. A stamp file says that an extra is there.
$(BIN)/python:
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.%: pyproject.toml grader/pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what \`$*\` needs (a few minutes the first time; PIP_OPTIONS adds pip options)"
	@$(BIN)/python $(INSTALL) $(VENV) --constraint constraints.txt $(PIP_OPTIONS) --editable './grader[postgresql]' --editable '.[$*]'
	@touch $@

.venv-colab/.ready: tests/colab/requirements.txt
	@echo "Making .venv-colab with $(PYTHON)"
	@$(PYTHON) -m venv .venv-colab
	@$(PYTHON) $(INSTALL) .venv-colab $(PIP_OPTIONS) --requirement $<
	@touch $@
