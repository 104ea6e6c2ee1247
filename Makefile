# Everything runs in a virtual environment of its own; `make test` and `make demo` create it.
PYTHON ?= python3
BIN := .venv/bin
OLDEST := .venv-oldest/bin
NPM_FILES := npm ci --silent --ignore-scripts --prefix export/web
EXTRAS := train,export,quantize,onnx,openvino,demo,test

.PHONY: demo test test-all test-oldest lint notebooks cards bench web clean

demo: .venv/ready  # one name of each family; `.venv/bin/zoo demo --all` for all
	$(BIN)/zoo demo --to demo

test: lint  # each promise once for each name, in minutes
	$(BIN)/python -m pytest -n 2

test-all: lint  # also what takes long: killed trainings, the browser, notebooks, the large sets
	-command -v npm >/dev/null && $(NPM_FILES)  # without it the web page's tests are skipped
	$(BIN)/python -m pytest -n 2 -m ""

test-oldest: .venv-oldest/ready  # with the oldest versions that setup.cfg admits
	$(OLDEST)/python -m pytest -n 2

web: .venv/ready  # the page that runs the files in a browser, on localhost
	$(NPM_FILES)
	$(BIN)/zoo web

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: .venv/ready  # from their scripts
	$(BIN)/python notebooks/build.py

cards: .venv/ready  # cards and the README's table, from the index and the published figures
	$(BIN)/zoo dev cards

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
