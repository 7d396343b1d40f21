# `make test` passes every test there is. It needs Rust, git and a C compiler; the contract, where there is a copy of it,
# needs Python 3, and so do the MCP client and `openapi`, which are left out where they cannot be installed. The tests in a
# browser need chromedriver and Chromium, and are left out without them. `make check` is the same.

CARGO ?= cargo
# The executable contract of the service, where there is a copy of it.
CONTRACT ?=

OLD = target/old-clients

.PHONY: old-clients check test verify test-fast install run tools fmt lint unit docs contract openapi docker-smoke bench accuracy

check test: tools fmt lint docs unit contract openapi-if-there

# All that can be tested here: minutes more, some of them for an image.
verify: check openapi docker-smoke

# The tests beside the code, for while you write it.
test-fast:
	$(CARGO) test --locked --lib

install:
	$(CARGO) install --locked --path .

# One binary that needs no C library of the machine it runs on, for Linux. It needs musl-gcc, as in Debian's musl-tools.
.PHONY: static
TARGET = $(shell uname -m)-unknown-linux-musl
static:
	@command -v musl-gcc >/dev/null || { echo 'there is no musl-gcc: install musl-tools with your package manager'; exit 1; }
	@! command -v rustup >/dev/null || rustup target add $(TARGET)
	$(CARGO) build --locked --release --bins --target $(TARGET)
	@echo "static: target/$(TARGET)/release/coord"

# The service, on this machine, until Ctrl-C; its token and database stand under COORD_HOME.
run:
	$(CARGO) run --locked -- start

# A minimal Rust comes without these two.
tools:
	@$(CARGO) fmt --version >/dev/null 2>&1 && $(CARGO) clippy --version >/dev/null 2>&1 \
	|| rustup component add rustfmt clippy
	@git --version >/dev/null || { echo 'the tests need git: install it with your package manager'; exit 1; }

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) clippy --locked --test browser -- --deny warnings

docs:
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --locked --no-deps

unit:
	$(CARGO) test --locked

contract:
	$(CARGO) build --locked
	@if [ -n '$(CONTRACT)' ]; then python3 tests/contract.py '$(CONTRACT)'; \
	else echo 'contract: left out, CONTRACT names no copy of it'; fi

# Drives coord-mcp with the official Python client of MCP, which is installed on demand.
MCP_CLIENT = target/mcp-client

.PHONY: mcp-client
check test: mcp-client

mcp-client:
	$(CARGO) build --locked
	@if $(MCP_CLIENT)/bin/python -c 'import mcp' 2>/dev/null || { python3 -m venv $(MCP_CLIENT) \
	&& $(MCP_CLIENT)/bin/pip install --quiet --disable-pip-version-check 'mcp<2'; } >/dev/null 2>&1; \
	then $(MCP_CLIENT)/bin/python tests/mcp/client.py target/debug/coord-mcp; \
	else echo 'mcp-client: left out, python3 cannot install the package mcp'; fi

# A service under requests made up from its own description, for most of a minute. Schemathesis, which makes them up, is
# installed into target/.
.PHONY: openapi-if-there
openapi:
	$(CARGO) build --locked
	python3 tests/openapi/check.py

# The same for ten seconds, where Python 3 is there and can install it within a minute.
openapi-if-there:
	$(CARGO) build --locked
	@if python3 -c 'import venv, ensurepip' 2>/dev/null; then python3 tests/openapi/check.py --seconds 10 --if-there; \
	else echo 'openapi: left out, there is no Python 3 that can make a virtual environment'; fi

# The dashboard in Chromium.
.PHONY: browser browser-if-there screenshots
check test: browser-if-there

BROWSER = $(CARGO) test --locked --test browser --
CHROMEDRIVER = command -v chromedriver >/dev/null

browser:
	@$(CHROMEDRIVER) || { echo 'there is no chromedriver: install it, and Chromium, with your package manager'; exit 1; }
	$(BROWSER)

browser-if-there:
	@if $(CHROMEDRIVER); then $(BROWSER); else echo 'browser: left out, there is no chromedriver'; fi

# The pictures of the dashboard in docs/images/.
screenshots:
	$(BROWSER) --ignored --nocapture screenshots

# The container: built, ready, in use, ended.
docker-smoke:
	tests/docker/smoke

# completions/ and man/, from the definition of the command line. A test says when they are no longer fresh.
.PHONY: generated
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
	$(CARGO) bench --locked --bench stream
	$(CARGO) bench --locked --bench queue
	$(CARGO) bench --locked --bench cli
	$(CARGO) bench --locked --bench push
	$(CARGO) bench --locked --bench symbols

# How well `coord symbols` reads real code, against each language's own parser; fetches what it reads.
accuracy:
	$(CARGO) build --locked --release
	python3 tests/accuracy/accuracy.py --coord target/release/coord

# Drives the MCP bridge and the pre-push hook of coord-mcp-server 0.27.1, as they come, against this service.
old-clients: $(OLD)/ready
	$(CARGO) build --locked
	$(OLD)/bin/python tests/compat/old_clients.py target/debug/coord $(OLD)

$(OLD)/ready:
	python3 -m venv $(OLD)
	$(OLD)/bin/pip install --quiet coord-mcp-server==0.27.1 packaging 'mcp<2'
	touch $@
