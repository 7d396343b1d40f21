# `make test` passes every test there is. It needs Rust, git and a C compiler; the contract, where there is a copy of it,
# needs Python 3. `make check` is the same.

CARGO ?= cargo
# The executable contract of the service, where there is a copy of it.
CONTRACT ?=

.PHONY: check test tools fmt lint unit docs contract bench accuracy generated

check test: tools fmt lint docs unit contract

# A minimal Rust comes without these two.
tools:
	@$(CARGO) fmt --version >/dev/null 2>&1 && $(CARGO) clippy --version >/dev/null 2>&1 \
	|| rustup component add rustfmt clippy
	@git --version >/dev/null || { echo 'the tests need git: install it with your package manager'; exit 1; }

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

# completions/ and man/, from the definition of the command line. A test says when they are no longer fresh.
generated:
	$(CARGO) build --locked
	@mkdir -p completions man
	target/debug/coord completions bash >completions/coord.bash
	target/debug/coord completions zsh >completions/_coord
	target/debug/coord completions fish >completions/coord.fish
	target/debug/coord completions powershell >completions/coord.ps1
	target/debug/coord completions elvish >completions/coord.elv
	@rm -f man/*.1
	target/debug/coord man man

# The README's figures. COORD_OLD=PATH compares with the coord-api of coord-mcp-server 0.27.1, where it is installed.
bench:
	$(CARGO) bench --locked --bench overlap
	$(CARGO) bench --locked --bench http
	$(CARGO) bench --locked --bench queue
	$(CARGO) bench --locked --bench cli
	$(CARGO) bench --locked --bench push
	$(CARGO) bench --locked --bench symbols

# How well `coord symbols` reads real code, against each language's own parser; fetches what it reads.
accuracy:
	$(CARGO) build --locked --release
	python3 tests/accuracy/accuracy.py --coord target/release/coord
