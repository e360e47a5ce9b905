# Postroad's commands. `make` alone prints them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
POSTROAD := $(VENV)/bin/postroad
STAMP := $(VENV)/.installed
CONSOLE := services/web/postroad_web/console/.built
PROJECTS := services/common services/stack services/dns services/relay services/store services/web kit
# A running container with all journals and the CA's certificate: the relay's or the store's, whichever runs. Commands that
# need a stack use it, or else the data of `make run`.
CONTAINER := docker compose ps --services --status running 2>/dev/null | grep -xE -m 1 'relay|store'
export ID

.DEFAULT_GOAL := help
.PHONY: help venv up down logs run trace queue ca password test check fuzz golden mutants rules screenshots bench bench-beside

help: ## print these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

venv: $(STAMP) $(CONSOLE) ## make the virtual environment with everything the tests and checks need

$(STAMP): tests/requirements.txt services/constraints.txt $(PROJECTS:%=%/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check --upgrade pip==26.3
	$(PY) -m pip install --quiet --quiet --disable-pip-version-check -r tests/requirements.txt -c services/constraints.txt $(PROJECTS:%=-e %)
	@touch $@

# The console's sources are compiled into the package of the web service; the program does nothing if they have not changed.
$(CONSOLE): $(STAMP) $(shell find services/web/console -name node_modules -prune -o -type f -print)
	$(PY) services/web/console/build.py --tools
	@touch $@

up: ## build and start the containers, and wait until they are healthy
	@$(PYTHON) services/stack/postroad_stack/up.py

down: ## stop the containers; mail, queue, journal and certificates stay
	@command -v docker >/dev/null || { echo 'There is no Docker here; Ctrl-C stops make run' >&2; exit 1; }
	docker compose down --remove-orphans

logs: ## follow what the containers log
	@test -n "$$(docker compose ps --all --quiet 2>/dev/null)" || { echo 'There are no containers: make up first (make run logs to its terminal)' >&2; exit 1; }
	docker compose logs --follow --tail 100

run: venv ## run the same stack as processes, without Docker, until Ctrl-C
	@exec $(POSTROAD) run

trace: ## print one message's road: make trace ID=<Message-ID, queue ID, or whom something was refused to>
	@test -n "$$ID" || { echo 'Which message? make trace ID=<Message-ID or queue ID>' >&2; exit 2; }
	@if container=$$($(CONTAINER)); \
	then docker compose exec -T "$$container" postroad trace -- "$$ID"; \
	elif [ -e "$(STAMP)" ]; then $(POSTROAD) trace -- "$$ID"; \
	else echo 'Nothing runs: make up or make run first' >&2; exit 1; fi

queue: ## list the messages that wait in the relay, and why they wait
	@if docker compose ps --services --status running 2>/dev/null | grep -qx relay; \
	then docker compose exec -T relay postroad queue --spool; \
	else $(MAKE) --silent venv && $(POSTROAD) queue --spool; fi

ca: ## write the CA certificate for mail clients to postroad-ca.pem
	@if container=$$($(CONTAINER)); \
	then docker compose exec -T "$$container" cat /data/tls/ca.pem >postroad-ca.pem && echo "postroad-ca.pem, the containers'"; \
	elif cp "$${POSTROAD_DATA:-data}/tls/ca.pem" postroad-ca.pem 2>/dev/null; then echo "postroad-ca.pem, make run's"; \
	else echo 'No CA yet: make up or make run first' >&2; exit 1; fi

password: ## make the hash of a password for the world file
	@if container=$$($(CONTAINER)); \
	then docker compose exec $$([ -t 0 ] || echo -T) "$$container" postroad password; \
	else $(MAKE) --silent venv && $(POSTROAD) password; fi

test: venv ## run every test that this machine can run, and say which it skipped and why
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadgroup --cov --cov-report=
	@$(PY) -m tests.covered

check: venv ## check format, lint and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy services kit tests bench

fuzz: venv ## give ten million inputs to everything that reads strangers' octets: make fuzz INPUTS=10000000 SEED=1
	$(PY) -m tests.fuzz.millions --inputs $${INPUTS:-10000000} --seed $${SEED:-1}

golden: venv ## rewrite the expected outputs of tests/golden; review the difference before you commit it
	$(PY) -m tests.dns.golden
	POSTROAD_GOLDEN=write $(PY) -m pytest -q tests/golden

mutants: venv ## change the engines a little and see whether tests notice: make mutants [ONLY=<module>] [SEED=1]
	$(PY) -m tests.mutants --only '$(ONLY)' --seed $(or $(SEED),1) --seconds $(or $(SECONDS),570)

rules: venv ## print which lines obey which section of an RFC, and which tests cite it
	@$(PY) -m tests.rules

screenshots: venv ## take pictures of the console's views, into build/screenshots
	$(PY) -m tests.console.screenshots

bench: venv ## measure against Debian's own servers, side by side (bench/README.md)
	$(PY) -m bench

bench-beside: venv ## compare this checkout with another one: make bench-beside CHECKOUT=../before
	@test -d "$(CHECKOUT)" || { echo 'Compare with which checkout? make bench-beside CHECKOUT=<folder with a .venv>' >&2; exit 2; }
	$(PY) -m bench.beside $(CHECKOUT)
