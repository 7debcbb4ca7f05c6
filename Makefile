# PACS Lab. Every target does the set-up that it needs; 'make help' lists them.
.DEFAULT_GOAL := help
.PHONY: help lab demo test lint docs bench notebooks stop images lock clean

RUN := .venv/bin
TESTS ?= tests src/pacslab
# Most tests wait for servers: one worker more than the machine has processors.
WORKERS ?= $(shell expr $$(nproc) + 1)
PYTHON_FILES := src tests bench tools docker

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-8s %s\n' "$$name" "$$text"; done

lab: ## the lab: all set-up, then JupyterLab on the first notebook
	@tools/setup.sh lab
	@$(RUN)/pacslab lab

demo: ## the lab's main job in a terminal: attack, harden, attack again, de-identify, grade
	@tools/setup.sh lab
	@$(RUN)/pacslab demo

test: ## all set-up, then every test (TESTS=tests/pacs for some of them, WORKERS=0 for one after another)
	@tools/setup.sh test
	@$(RUN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder --doctest-modules $(TESTS)

lint: ## style, types and who may import whom
	@tools/setup.sh test
	@$(RUN)/ruff check $(wildcard $(PYTHON_FILES))
	@$(RUN)/ruff format --check $(wildcard $(PYTHON_FILES))
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-logo

docs: ## the documentation site, into .build/site
	@tools/setup.sh test
	@NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --strict --quiet
	@echo 'The documentation: .build/site/index.html'

bench: ## the benchmarks: ratios against references run beside them
	@tools/setup.sh test
	@$(RUN)/python bench/run.py

notebooks: ## build the labs' notebooks from labs/source
	@tools/setup.sh test
	@$(RUN)/python -m pacslab.notebook

stop: ## end every server of the lab on this machine
	@if [ -x $(RUN)/pacslab ]; then $(RUN)/pacslab stop --all; else echo 'Nothing is set up here, so nothing of it runs.'; fi

images: ## build the Docker images of the lab, without a registry
	@tools/build-images.sh

lock: ## refresh the locked Python packages (UPGRADE=1 takes newer versions)
	@tools/setup.sh test
	@tools/lock.sh $(if $(UPGRADE),--upgrade)

clean: stop ## end everything, then remove what set-up and tests made in this folder
	@rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache build dist
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
