# `make test` passes every test there is. It needs Rust, git, a C compiler and, for the contract, Python 3.

CARGO ?= cargo
# The executable contract of the service, where there is a copy of it.
CONTRACT ?=

.PHONY: check test fmt lint unit docs contract bench

check test: fmt lint docs unit contract

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- --deny warnings

docs:
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --locked --no-deps

unit:
	$(CARGO) test --locked

contract:
	$(CARGO) build --locked
	@if [ -n '$(CONTRACT)' ]; then python3 tests/contract.py '$(CONTRACT)'; \
	else echo 'contract: left out, CONTRACT names no copy of it'; fi

# The README's figures. COORD_OLD=PATH compares with the coord-api of coord-mcp-server 0.27.1, where it is installed.
bench:
	$(CARGO) bench --locked --bench overlap
	$(CARGO) bench --locked --bench http
	$(CARGO) bench --locked --bench cli
	$(CARGO) bench --locked --bench push
