# Plain `make` lists the targets. CI runs `make test`, which is everything.

export CGO_ENABLED := 0

GO      ?= go
PKG     ?=
RUN     ?=
OPTIONS ?=
LAB     := bin/lab
# How often a lab test that fails is run again on a fresh machine before it counts; each time is told at the end.
RERUN   ?= 0
RERUNS  := $(CURDIR)/bin/reruns
TIMEOUT := 40m
# go test's limit for the long matrices together, not for each: a fault or a jump takes some seconds in the lab.
LONG    := 8h

# Packages with lab tests; only those of PKG when it is given.
LABPACKAGES = $(if $(PKG),$(PKG),$$($(LAB) tests $$($(GO) list -f '{{.Dir}}' ./...)))

.DEFAULT_GOAL := help
.PHONY: help setup build lab demo check lint test test-all test-crash everything lab-test lab-self-test bench generate clean $(LAB)

# put PROGRAM,PACKAGE builds a program beside its place and moves it there if it is another one than before: labs that
# boot meanwhile have the old one or the new one, whole.
put = @new=$(1).$$$$; cp -p $(1) $$new 2>/dev/null; \
	if ! $(GO) build -trimpath -o $$new $(2); then rm -f $$new; exit 1; fi; \
	if cmp -s $$new $(1); then rm -f $$new; else mv -f $$new $(1); fi

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, the lab's kernel, Go modules, golangci-lint
	@sh lab/setup.sh base lint

build: $(LAB) ## build bin/holdfast and bin/lab
	$(call put,bin/holdfast,./cmd/holdfast)

$(LAB):
	$(call put,$(LAB),./lab/cmd/lab)

lab: ## open a shell in a throw-away host; RUN='…' runs one command instead, OPTIONS='--help' tells what it can be
	@sh lab/setup.sh base
	@$(MAKE) --no-print-directory build
ifeq ($(RUN),)
	@$(LAB) shell --nics 2 $(OPTIONS)
else
	@$(LAB) run --nics 2 $(OPTIONS) -- sh -c "$$RUN"
endif

demo: ## show what holdfast does, on a throw-away host with two NICs
	@sh lab/setup.sh base
	@$(MAKE) --no-print-directory build
	@if [ -t 1 ]; then export HOLDFAST_DEMO_COLOR=1; fi; $(LAB) run --nics 2 -- sh lab/demo.sh

check: ## the quick inner loop: vet, tests without the lab, import rows, generated documents
	@sh lab/guard.sh sh -c '$(GO) vet ./... && $(GO) test -timeout $(TIMEOUT) ./...'

lint: ## golangci-lint
	@sh lab/setup.sh lint
	@bin/golangci-lint run --timeout 30m ./...

test: ## everything: check, lint, the lab's own tests, the kernel suites in the lab
	@$(MAKE) --no-print-directory setup
	@sh lab/guard.sh $(MAKE) --no-print-directory everything

everything:
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory lab-self-test
	@$(MAKE) --no-print-directory lab-test

lab-test: $(LAB) ## the tests that change a kernel, in the lab; PKG=./engine/kernel RUN='TestBond' for some of them
	@rm -f $(RERUNS)
	@code=0; HOLDFAST_LAB_RERUN=$(RERUN) HOLDFAST_LAB_RERUN_LOG=$(RERUNS) \
	$(GO) test -vet=off -count=1 -p 1 -timeout $(TIMEOUT) -exec "$(CURDIR)/$(LAB) exec" \
		$(if $(RUN),-v -run '$(RUN)') $(LABPACKAGES) || code=$$?; \
	if [ -s $(RERUNS) ]; then cat $(RERUNS); fi; exit $$code

test-all: ## the long matrices whole (hours): every fault, 200 jumps, the zoo with all states
	@$(MAKE) --no-print-directory setup
	@HOLDFAST_FAULTS=1 HOLDFAST_JUMPS=200 HOLDFAST_ZOO=1 $(MAKE) --no-print-directory lab-test \
		PKG=./tests RUN='^Test(Fault|Walk|Zoo)' TIMEOUT=$(LONG)

test-crash: ## kill a change at every moment, on every way (hours); HOLDFAST_CRASHES=3 is every third moment
	@$(MAKE) --no-print-directory setup
	@HOLDFAST_CRASHES=$${HOLDFAST_CRASHES:-1} $(MAKE) --no-print-directory lab-test \
		PKG=./tests RUN='^TestCrash' TIMEOUT=$(LONG)

lab-self-test: $(LAB) ## does the lab itself pass on exit codes, end at limits, clean up?
	@HOLDFAST_LAB_SELF_TEST="$(CURDIR)/$(LAB)" $(GO) test -vet=off -count=1 -timeout $(TIMEOUT) ./lab/machine

bench: ## measure against ip and other network managers, in the lab
	@sh lab/setup.sh base bench
	@$(MAKE) --no-print-directory build
	@sh lab/bench.sh

generate: ## rewrite the generated documents
	@$(GO) generate ./...

clean: ## remove what was built here (not the cache that all clones share)
	@rm -rf bin .cache
