# Everything runs from .venv, which `make env` builds once from the lock. See README.md.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.SILENT:

PYTHON ?= python3
# demo: a real small model on this machine; or simulator, small, openai, anthropic, openrouter, ollama
LLM ?= demo
ROWS ?=
ARGS ?=

# Tools run as modules: their scripts name the path at which .venv was made.
PY := .venv/bin/python
LOCK := requirements/dev.txt
# Holds the checksum of the lock that the environment was built from.
STAMP := .venv/.lock-installed
EMBEDDED := $(PY) -m project.embedded
# Providers elsewhere need no model server here.
MODE := $(if $(filter openai anthropic openrouter ollama,$(LLM)),none,$(LLM))

.PHONY: help
help:
	echo "make demo    enrich real listings with real parts (LLM=$(LLM) ROWS=…)"
	echo "make test    run the tests (ARGS='-k name')"
	echo "make quickstart   follow docs/quickstart.md from the wheel to an enriched row"
	echo "make pooler  a batch with a kill through PgBouncer in transaction mode"
	echo "make rolling OLD=<commit>   that commit's workers on this commit's tables"
	echo "make accessible  look at every page of the admin with axe, in light and dark"
	echo "make check   format, lint, types, imports, migrations, deployment settings, templates"
	echo "make bench   measure and write docs/performance.md; bench-gateway: /v1 beside other gateways"
	echo "make bench-admin   the admin's pages over ten million calls (ARGS='--rows 100000')"
	echo "make starts OTHER=PATH   starting processes of another checkout, in turn with this one"
	echo "make beside OTHER=PATH   the same batch by another checkout, in turn with this one"
	echo "make way     what a batch's row took at each step of the way here"
	echo "make profile where a batch's CPU goes"
	echo "make quality  what the gates hold of wrong answers, and of right ones"
	echo "make answers  keep a model's answers to shipped listings, to be judged (LLM=$(LLM))"
	echo "make forecast  compare forecasts of cost with what ten batches cost"
	echo "make prompts    what prompts cost with and without what providers can cache"
	echo "make cascades  whether cascades keep their promise over 400 simulated tables"
	echo "make cascade-real   a cascade of two real models over 300 listings (hours)"
	echo "make storm   let everything fail around batches and /v1, and count what is left"
	echo "make limits    sixteen processes under one provider's limits, some of them killed"
	echo "make objects   measure how long the first SDK and LangChain objects take"
	echo "make env     build .venv from $(LOCK)"
	echo "make clean   remove .venv, the demo's data and all caches"

.PHONY: env
env: $(STAMP)

$(STAMP): $(LOCK)
	if [ -f $(STAMP) ] && [ "$$(cat $(STAMP))" = "$$(cksum < $(LOCK))" ]; then touch $(STAMP); exit 0; fi; \
	command -v "$(PYTHON)" > /dev/null || { \
		echo "There is no $(PYTHON): install Python 3.11 or later, or name one with PYTHON=." >&2; exit 1; }; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than 3.11: name a later one, such as PYTHON=python3.12." >&2; exit 1; }; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) can't make environments: install its venv package (python3-venv)." >&2; exit 1; }; \
	rm -f $(STAMP); \
	$(PY) -m pip --version > /dev/null 2>&1 || { \
		echo "Creating .venv …"; "$(PYTHON)" -m venv --clear .venv; }; \
	echo "Installing $(LOCK) …"; \
	{ command -v uv > /dev/null && \
		uv pip install --quiet --python $(PY) --require-hashes -r $(LOCK) 2> /dev/null; } || \
	$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r $(LOCK) || { \
		echo "The packages could not be installed (see above): is the package index reachable?" >&2; exit 1; }; \
	cksum < $(LOCK) > $(STAMP)

.PHONY: demo
demo: env
	case "$(LLM)" in demo|small|simulator|openai|anthropic|openrouter|ollama) ;; *) \
		echo "LLM=$(LLM) is unknown: take demo, small, simulator, openai, anthropic, openrouter or ollama." >&2; \
		exit 2 ;; esac
	$(EMBEDDED) --llm $(MODE) -- $(PY) manage.py demo --llm $(LLM) $(if $(ROWS),--rows $(ROWS)) $(ARGS)

.PHONY: test
test: env
	$(EMBEDDED) --ephemeral -- $(PY) -m pytest -q -n 4 --dist loadgroup $(ARGS)

# Builds the wheel, installs it into a fresh environment, and follows docs/quickstart.md.
.PHONY: quickstart
quickstart: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m pytest -q -m installs tests/project/test_quickstart.py

# A batch with a kill through PgBouncer in transaction mode; needs `pgbouncer` on the PATH.
.PHONY: pooler
pooler: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m pytest -q -m pooler tests/enrichment/test_pooler.py

# Workers of an earlier commit on this commit's schema: OLD=<commit>.
.PHONY: rolling
rolling: env
	OLD_RELEASE="$(OLD)" $(EMBEDDED) --ephemeral --llm none -- $(PY) -m pytest -q -m history tests/enrichment/test_rolling.py

# axe over every page of the admin, in light and dark; needs Chromium.
.PHONY: accessible
accessible: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m pytest -q -m walks tests/enrichment/test_accessible.py

.PHONY: check
check: env
	echo "== format"
	$(PY) -m ruff format --check .
	echo "== lint"
	$(PY) -m ruff check .
	echo "== types"
	$(EMBEDDED) --ephemeral -- $(PY) -m mypy .
	echo "== imports"
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'
	echo "== migrations"
	$(EMBEDDED) --ephemeral -- $(PY) manage.py makemigrations --check --dry-run
	echo "== deployment"
	$(EMBEDDED) --ephemeral -- env ENVIRONMENT=production DJANGO_ALLOWED_HOSTS=nodewise.example \
		$(PY) manage.py check --deploy --fail-level WARNING
	echo "== templates"
	$(PY) -m djlint --check --lint templates llmconfig metrics enrichment

.PHONY: bench
bench: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks $(ARGS)

.PHONY: starts
starts: env
	test -n "$(OTHER)" || { echo "name the other checkout: make starts OTHER=../before" >&2; exit 1; }
	$(PY) -m benchmarks.cold_start "$(OTHER)" $(ARGS)

.PHONY: beside
beside: env
	test -n "$(OTHER)" || { echo "name the other checkout: make beside OTHER=../before" >&2; exit 1; }
	$(PY) -m benchmarks.beside "$(OTHER)" $(ARGS)

.PHONY: bench-admin
bench-admin: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m benchmarks.admin $(ARGS)

# Installs LiteLLM, Portkey and TensorZero into environments of their own under .nodewise/bench, for this only.
.PHONY: bench-gateway
bench-gateway: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.gateway $(ARGS)

.PHONY: prompts
prompts: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m benchmarks.prompt_cache $(ARGS)

.PHONY: forecast
forecast: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.forecasting $(ARGS)

# Installs a tokenizer into an environment of its own, for this only.
.PHONY: estimates
estimates: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m benchmarks.estimates

.PHONY: way
way: env
	$(PY) -m benchmarks.way $(ARGS)

.PHONY: profile
profile: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.profile

.PHONY: quality
quality: env
	$(EMBEDDED) --ephemeral --llm none -- $(PY) -m benchmarks.quality $(ARGS)

.PHONY: answers
answers: env
	$(EMBEDDED) --ephemeral --llm $(MODE) -- $(PY) -m benchmarks.model_answers $(ARGS)

.PHONY: injections
injections: env
	$(EMBEDDED) --ephemeral --llm $(if $(findstring --ask,$(ARGS)),$(MODE),none) -- $(PY) -m benchmarks.injections $(ARGS)

.PHONY: cascades
cascades: env
	$(PY) -m benchmarks.cascades $(ARGS)

# Goes on where it was broken off: the answers are kept in benchmarks/cascade_answers.
.PHONY: cascade-real
cascade-real: export MODEL_SERVER_SLOTS ?= 4
cascade-real: env
	NODEWISE_DEMO_MODEL=0.5b $(EMBEDDED) --ephemeral --llm demo -- $(PY) -m benchmarks.cascade_models cheap $(ARGS)
	NODEWISE_DEMO_MODEL=1.5b $(EMBEDDED) --ephemeral --llm demo -- $(PY) -m benchmarks.cascade_models dear $(ARGS)
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.cascade_models write $(ARGS)

.PHONY: storm
storm: env
	$(PY) -m benchmarks.trials $(ARGS)

.PHONY: fairness
fairness: env
	$(PY) -m benchmarks.fairness $(ARGS)

.PHONY: limits
limits: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.limits $(ARGS)

.PHONY: clients
clients: env
	$(EMBEDDED) --ephemeral --llm $(if $(findstring --local,$(ARGS)),$(MODE),none) -- $(PY) -m tests.clients $(ARGS)

.PHONY: objects
objects: env
	$(EMBEDDED) --ephemeral -- $(PY) -m benchmarks.objects $(ARGS)

.PHONY: clean
clean:
	rm -rf .venv .nodewise build staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache *.egg-info celerybeat-schedule*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	echo "Removed .venv, .nodewise and all caches."
