"""The clients of coord-mcp-server 0.27.1, as they come, against this service.

    python3 tests/compat/old_clients.py BINARY VENV

VENV has coord-mcp-server 0.27.1, packaging and mcp<2; `make old-clients` makes it. The old MCP bridge is driven by a real MCP
client through all of its tools, and the old pre-push hook by a real `git push`, if jq and curl are there for it.
"""

import asyncio
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

BINARY, VENV = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
TOKEN, REPO = "a-token-of-the-test", "acme/app"


class Service:
    """A service on a database of its own."""

    def __init__(self, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % port
        settings = {"PATH": os.environ["PATH"], "HOME": directory, "COORD_PORT": str(port), "COORD_AUTH_TOKEN": TOKEN,
                    "COORD_DATABASE_PATH": directory + "/coord.db", "COORD_LOG_LEVEL": "warning"}
        self.process = subprocess.Popen([str(BINARY), "serve"], env=settings)
        for _ in range(1000):
            try:
                urllib.request.urlopen(self.url + "/readyz")
                return
            except OSError:
                time.sleep(0.01)
        sys.exit("the service does not answer")

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body else None)
        request.add_header("Authorization", "Bearer " + TOKEN)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def claim(self, engineer, pattern, session=None):
        item = {"type": "file", "pattern": pattern}
        return self.call("POST", "/claims", {"engineer": engineer, "repo": REPO, "session_id": session, "claims": [item]})


def check(what, holds, shown=None):
    if not holds:
        sys.exit("FAIL %s: %s" % (what, shown))
    print("ok   " + what)


async def bridge(service, directory):
    """Drives the old bridge through its tools."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    settings = {"PATH": os.environ["PATH"], "HOME": directory, "COORD_API_URL": service.url, "COORD_AUTH_TOKEN": TOKEN,
                "COORD_REPO_ID": REPO, "COORD_SESSION_ID": "old-session", "COORD_REQUESTER": "old"}
    server = StdioServerParameters(command=str(VENV / "bin" / "coord-mcp"), env=settings, cwd=directory)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        check("its eleven tools", len(tools) == 11, tools)

        async def tool(name, **arguments):
            result = await session.call_tool(name, arguments)
            text = result.content[0].text
            if result.isError:
                sys.exit("FAIL %s: %s" % (name, text))
            return json.loads(text)

        mine = await tool("claim_files", engineer="old", patterns=["src/a.ts", "docs/**"], description="theirs")
        check("claim_files grants", len(mine["claim_ids"]) == 2, mine)
        theirs = service.claim("ada", "lib/x.ts")["claim_ids"][0]
        refused = await tool("claim_files", engineer="old", patterns=["lib/*.ts"])
        check("claim_files is refused", refused["conflicts"][0]["conflicting_claim"]["engineer"] == "ada", refused)
        listed = await tool("list_claims")
        check("list_claims", listed["count"] == 3, listed)
        found = await tool("check_conflicts", files=["lib/x.ts"], engineer="old")
        check("check_conflicts", found["safe"] is False, found)
        part = await tool("claim_files", engineer="old", patterns=["r.py"], symbols={"r.py": ["get"]})
        check("claim_files by symbol", len(part["claim_ids"]) == 1, part)

        waiting = asyncio.create_task(
            tool("claim_files", engineer="old", patterns=["lib/x.ts"], wait_seconds=20, urgency="high"))
        place = None
        while not place:
            queue = await asyncio.to_thread(service.call, "GET", "/requests?queued=true&requester=old")
            place = queue["requests"] and queue["requests"][0]["queue_id"]
        await asyncio.to_thread(service.call, "DELETE", "/requests/" + place)
        check("a wait can be cancelled", (await waiting)["claim_ids"] == [], None)
        gone = await tool("my_requests", queued=True, decision="")
        check("my_requests of the queue", gone["count"] == 0, gone)

        asked = await tool("request_release", claim_id=theirs, reason="hot fix", wait_seconds=0)
        check("request_release", asked["decision"] == "pending" and asked["requester_engineer"] == "old", asked)
        pending = await tool("my_requests")
        check("my_requests", [row["id"] for row in pending["requests"]] == [asked["id"]], pending)
        answer = {"decision": "denied", "engineer": "ada"}
        await asyncio.to_thread(service.call, "POST", "/requests/%s/respond" % asked["id"], answer)
        told = await tool("wait_for_request", request_id=asked["id"], timeout=5)
        check("wait_for_request", told["decision"] == "denied", told)

        body = {"claim_id": mine["claim_ids"][0], "requester": "ada", "wait_seconds": 0}
        await asyncio.to_thread(service.call, "POST", "/requests", body)
        inbox = await tool("pending_requests")
        check("pending_requests", inbox["pending"][0]["kind"] == "request", inbox)
        approved = await tool("respond_to_request", request_id=inbox["pending"][0]["id"], decision="approved")
        check("respond_to_request", approved["decision"] == "approved", approved)
        released = await tool("release_claims", claim_ids=[mine["claim_ids"][1]], engineer="old")
        check("release_claims", released["released"] == 1, released)
        cancelled = await session.call_tool("cancel_queue_request", {"queue_id": place, "engineer": "old"})
        check("cancel_queue_request", not cancelled.isError, cancelled)
        rest = await tool("release_session")
        check("release_session", rest["released"] == 1, rest)


def hook(service, directory):
    """Pushes through the old hook."""
    if not shutil.which("jq") or not shutil.which("curl"):
        return print("skip the old pre-push hook: it needs jq and curl")
    settings = dict(os.environ, HOME=directory, GIT_CONFIG_NOSYSTEM="1", PATH="%s:%s" % (VENV / "bin", os.environ["PATH"]),
                    COORD_AUTH_TOKEN=TOKEN, COORD_NO_UPDATE_CHECK="1")
    for name in ("COORD_REPO_ID", "COORD_SESSION_ID", "COORD_API_URL"):
        settings.pop(name, None)
    app = directory + "/app"

    def run(*command, cwd=app):
        return subprocess.run(command, cwd=cwd, env=settings, text=True, capture_output=True)

    run("git", "init", "-q", "--bare", "acme/app.git", cwd=directory)
    run("git", "init", "-q", "-b", "main", app, cwd=directory)
    for name, value in (("user.name", "bob"), ("user.email", "bob@example.com")):
        run("git", "config", name, value)
    run("git", "remote", "add", "origin", directory + "/acme/app.git")
    (pathlib.Path(app) / "free.ts").write_text("1\n")
    run("git", "add", ".")
    run("git", "commit", "-qm", "one")
    made = run(str(VENV / "bin" / "coord"), "init", "--tool", "claude", "--mode", "remote", "--service-url", service.url, "--yes")
    check("the old coord init", made.returncode == 0, made.stderr)
    local = pathlib.Path(app) / ".coordination" / "local.env"
    lines = [line for line in local.read_text().splitlines() if not line.startswith(("COORD_REPO_ID", "COORD_AUTH_TOKEN"))]
    local.write_text("\n".join(lines + ["COORD_REPO_ID=" + REPO, "COORD_AUTH_TOKEN=" + TOKEN, ""]))
    passed = run("git", "push", "origin", "main")
    check("a push of what is free passes", passed.returncode == 0, passed.stderr)
    service.claim("carol", "held.ts")
    (pathlib.Path(app) / "held.ts").write_text("1\n")
    run("git", "add", "held.ts")
    run("git", "commit", "-qm", "two")
    stopped = run("git", "push", "origin", "main")
    check("a push of what is held is stopped", stopped.returncode != 0 and "carol" in stopped.stderr + stopped.stdout, stopped)


def main():
    with tempfile.TemporaryDirectory() as directory:
        service = Service(directory)
        try:
            asyncio.run(bridge(service, directory))
            hook(service, directory)
        finally:
            service.process.kill()
            service.process.wait()


main()
