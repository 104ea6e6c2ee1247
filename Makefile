# Everything runs in a virtual environment of its own; `make test` and `make demo` create it.
PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest/bin
SECONDS ?= 30
EXTRAS := train,export,quantize,onnx,openvino,demo,docs,test

.PHONY: demo test test-all test-oldest lint docs notebooks cards bench fuzz web clean

demo: .venv/ready  # one name of each family; `.venv/bin/zoo demo --all` for all
	$(BIN)/zoo demo --to demo

test: lint  # each promise once for each name, in minutes
	$(BIN)/python -m pytest -n 2

test-all: lint  # also what takes long: killed trainings, the browser, notebooks, the large sets
	-$(BIN)/python -c "from zoo.export import litert_js; litert_js.fetch()"  # for the web page's tests
	$(BIN)/python -m pytest -n 2 -m ""

test-oldest: .venv-oldest/ready  # with the oldest versions that setup.cfg admits
	$(OLDEST)/python -m pytest -n 2

web: .venv/ready  # the page that runs the files in a browser, on localhost
	$(BIN)/zoo web --fetch

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p build/mypy/zoo && ln -sfn $(CURDIR)/export build/mypy/zoo/export
	$(BIN)/mypy

docs: .venv/ready  # build/site: guides, API reference, tables, cards; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build -q --strict

notebooks: .venv/ready  # from their scripts
	$(BIN)/python notebooks/build.py

cards: .venv/ready  # cards and the pages' tables, from the index and the published figures
	$(BIN)/zoo dev cards

fuzz: .venv/ready  # damaged files of each kind; SECONDS=600 for each, SEED=1 to repeat
	$(BIN)/python tests/fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: .venv/ready  # beside PyTorch, ONNX Runtime and OpenVINO
	$(BIN)/pip install -q -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/dncnn.py

.venv/ready: setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q -e '.[$(EXTRAS)]'
	touch $@

.venv-oldest/ready: setup.cfg
	rm -rf .venv-oldest
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST)/pip install -q uv  # pip cannot be asked for the oldest
	$(OLDEST)/uv pip install -q --python $(OLDEST)/python --resolution lowest-direct \
		-e '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf .venv .venv-oldest build *.egg-info demo site
