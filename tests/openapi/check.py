"""Hold a running service against the description of its API with requests that nobody would think of.

    python3 tests/openapi/check.py [--binary target/debug/coord] [--seconds 45] [--if-there]

Schemathesis is installed into target/openapi-venv on first use. With --if-there a machine where that cannot be done within
a minute is told so, and passes; without it, it fails.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
VENV = TARGET / "openapi-venv"
TOKEN = "sesame-open"
PINNED = "schemathesis==4.32.5"

# The service takes what 0.27 took, "3" for 3 and fields that nobody knows, and the description says what to send. And what
# is well-formed may still make no sense, which is a 400: patterns are more than a JSON schema can say.
LEFT_OUT = "negative_data_rejection,positive_data_acceptance,missing_required_header"


def install():
    """Where schemathesis is, or why it is not."""
    program = VENV / "bin" / "schemathesis"
    try:
        if not program.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True, capture_output=True, timeout=60)
            pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]
            pip += ["--timeout", "10", PINNED]
            subprocess.run(pip, check=True, capture_output=True, timeout=60, text=True)
        return program, None
    except (subprocess.SubprocessError, OSError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return None, said if isinstance(said, str) else said.decode("utf-8", "replace")


def bounded(description):
    """The same description, with waits that a test can sit out."""
    def visit(node):
        if isinstance(node, dict):
            for name, value in node.items():
                if name == "wait_seconds":
                    value["maximum"] = 0
                    value.pop("default", None)
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(description)
    ask = description["components"]["schemas"]["AskRequest"]
    ask["required"].append("wait_seconds")
    return description


def check(program, url, seconds, place):
    with urllib.request.urlopen(url + "/openapi.json", timeout=10) as reply:
        description = bounded(json.load(reply))
    copy = place / "openapi.json"
    copy.write_text(json.dumps(description), "utf-8")
    command = [program, "run", copy, "--url", url, "--header", "Authorization: Bearer " + TOKEN]
    # A stream of events does not end by itself.
    command += ["--exclude-path", "/events", "--exclude-checks", LEFT_OUT, "--mode", "all", "--max-time", str(seconds), "--max-examples", "40"]
    command += ["--request-timeout", "10", "--continue-on-failure", "--suppress-health-check", "all", "--no-color"]
    command += ["--generation-deterministic", "--phases", "examples,coverage,fuzzing,stateful"]
    return subprocess.run(command, cwd=place).returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default=TARGET / "debug" / "coord")
    parser.add_argument("--seconds", type=int, default=45)
    parser.add_argument("--if-there", action="store_true")
    given = parser.parse_args()
    program, problem = install()
    if program is None:
        print("openapi: left out, schemathesis cannot be installed here: " + problem.strip()[-300:])
        sys.exit(0 if given.if_there else 1)
    with tempfile.TemporaryDirectory(prefix="coord-openapi-") as place:
        place = pathlib.Path(place)
        env = {"PATH": os.environ["PATH"], "COORD_AUTH_TOKEN": TOKEN, "COORD_DATABASE_PATH": str(place / "coord.db")}
        command = [pathlib.Path(given.binary).resolve(), "serve", "--port", "0"]
        with open(place / "log", "w+b") as log:
            service = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, cwd=place)
            try:
                said = service.stderr.readline().decode()
                url = re.search(r"http://\S+", said).group()
                # Whoever is not read from stops writing.
                drain = subprocess.Popen(["cat"], stdin=service.stderr, stdout=log)
                status = check(program, url, given.seconds, place)
            finally:
                service.terminate()
                service.wait(timeout=30)
            drain.wait(timeout=30)
    sys.exit(status)


main()
