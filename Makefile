# The commands that everybody needs; `make help` lists them. The build itself is CMake's: see CMakePresets.json.
.DEFAULT_GOAL := help
.PHONY: help packages demo test labs findings families build debug tsan crash-test bench instructions performance fuzz fuzz-seeds check format package install clean \
	need-build need-labs need-check need-bench need-performance need-fuzz

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
LSTAR_LABS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lstar/labs
export LSTAR_LABS INSTALL ALL

help:
	@echo 'make demo      measure the six bundled miniatures and print the verdict; results in out/'
	@echo 'make test      build everything and run all tests'
	@echo 'make labs      the same study on three checkpoints that labs trained (a download of 415 MB); ALL=1: a fourth (480 MB more)'
	@echo 'make findings  audit, miniatures and what make labs brought, with chance and controls: writes docs/findings.md'
	@echo 'make build     build the program and the tests: build/release'
	@echo 'make packages  say which packages are missing, install nothing'
	@echo 'make check     format and static checks;  make format rewrites the sources in the one format'
	@echo 'make debug     all tests, not optimised, under the address and undefined-behaviour sanitizers'
	@echo 'make crash-test   kill a study at 200 random moments; asked again, it leaves what an undisturbed one does'
	@echo 'make tsan      the tests of what has threads, under the thread sanitizer'
	@echo 'make bench     build the benchmarks: build/release/bench'
	@echo 'make instructions   count the instructions of whole commands and hold them to bench/instructions.txt'
	@echo 'make performance   measure everything against its bound and its peers, write docs/performance.md; MEASURE="--jobs A,B"'
	@echo 'make fuzz      feed each reader of files broken ones, FUZZ_SECONDS=20 each, under the sanitizers'
	@echo 'make package   install into a temporary place, and build examples/ and every public header against it'
	@echo 'make install   program, libraries and headers to PREFIX=$(PREFIX)'
	@echo 'Missing Debian packages are installed first, with sudo where needed; with INSTALL=no they are only named.'

packages:
	@! tools/install-packages --list build labs check bench performance fuzz || echo 'No package is missing.'

need-build:
	@tools/install-packages build
need-labs:
	@tools/install-packages build labs
need-bench:
	@tools/install-packages build bench
need-performance:
	@tools/install-packages build bench performance
need-fuzz:
	@tools/install-packages build fuzz
need-check:
	@tools/install-packages build check

# Ninja runs CMake again by itself when a CMake file or a folder's list of sources changes.
build/%/build.ninja: CMakePresets.json
	cmake --preset $*

demo: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target lstar
	build/release/lstar run --manifest zoo/manifest.toml --out out
	@echo 'The results are in out/: tables as .csv, everything as .json, figures as .png and .svg'

build: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS)

test: build
	ctest --preset release --parallel $(JOBS)

labs: need-labs
	@$(MAKE) --no-print-directory build/release/build.ninja
	tools/fetch-labs
	cmake --build --preset release --parallel $(JOBS) --target lstar
	build/release/lstar run --manifest manifests/labs$(if $(ALL),-all).toml --out out/labs
	@echo 'The results are in out/labs/'

# Of the labs' checkpoints those that are there: it downloads nothing. Measurements are kept in out/findings.
findings: need-labs
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target lstar
	tools/findings

debug: need-fuzz
	@$(MAKE) --no-print-directory build/debug/build.ninja
	cmake --build --preset debug --parallel $(JOBS)
	ctest --preset debug --parallel $(JOBS)

# The pool (base), a model on it (study), and downloads by several connections (hub).
tsan: need-build
	@$(MAKE) --no-print-directory build/tsan/build.ninja
	cmake --build --preset tsan --parallel $(JOBS) --target test_base test_hub test_study
	ctest --preset tsan --parallel $(JOBS) --tests-regex '^(base|hub|study)/'

KILLS ?= 200
crash-test: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target test_cli
	LSTAR_KILLS=$(KILLS) build/release/test_cli --gtest_filter='Crash.*'

# The table in docs/families.md, from the registry and the recorded checkpoints.
families: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target family_table
	build/release/family_table > build/families.txt
	sed -i -e '/^<!-- families -->$$/,/^<!-- end -->$$/{/^<!--/!d}' -e '/^<!-- families -->$$/r build/families.txt' docs/families.md

bench: need-bench
	cmake --preset release -DLSTAR_BENCH=ON > /dev/null
	cmake --build --preset release --parallel $(JOBS) --target bench/all

instructions: need-bench
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target lstar
	tools/count-instructions

# The whole takes hours; `bench/measure --help` has its options, which MEASURE passes on.
performance: need-performance bench
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target lstar
	bench/measure $(MEASURE)

FUZZ_SECONDS ?= 20
fuzz: need-fuzz
	@$(MAKE) --no-print-directory build/debug/build.ninja
	cmake --build --preset debug --parallel $(JOBS) --target fuzz/all
	tools/run-fuzzers --seconds $(FUZZ_SECONDS) --jobs $(JOBS)

# Of the targets that run whole models and pipelines; the others' seeds were written by hand.
fuzz-seeds: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	cmake --build --preset release --parallel $(JOBS) --target fuzz_seeds
	build/release/fuzz_seeds

check: need-check
	tools/check-format
	tools/check-layers
	tools/check-tidy $(TIDY) build/tidy $(JOBS)

format: need-check
	tools/check-format --fix

package: need-build
	@$(MAKE) --no-print-directory build/release/build.ninja
	tools/check-package

install: build
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build out
