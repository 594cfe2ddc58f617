# Thin: each target calls a script or a CMake preset that works alone too. `make help` lists them.
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help demo test build lint format bench install uninstall clean

help:
	@echo 'make demo       from nothing to the result of a training job on this machine'
	@echo 'make test       every test: unit, fuzz and whole-program'
	@echo 'make build      the release build: build/release'
	@echo 'make install    slipway and slipway-agent below PREFIX ($(PREFIX)); DESTDIR is honoured'
	@echo 'make uninstall  removes what make install made'
	@echo 'make lint       clang-tidy over what changed, shellcheck;  make format  formats every C++ file'
	@echo 'make bench      next to docker run, in the same guest;     make clean   removes build/'

demo:
	@scripts/demo

test:
	@scripts/test

build:
	@scripts/install-packages build
	@scripts/build release

lint:
	@scripts/lint

format:
	@scripts/format-check --fix

bench:
	@bench/run

install: build
	@scripts/install-programs install "$(DESTDIR)" "$(PREFIX)"

uninstall:
	@scripts/install-programs uninstall "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf build
