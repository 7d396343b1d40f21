"""Drives coord-mcp with the official Python client: two agents in two worktrees of a clone, one waits for the other.

Usage: client.py PROGRAM, with the package `mcp` installed. `make mcp-client` does both.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

TOOLS = {
    "list_claims", "check_conflicts", "claim_files", "release_claims", "pending_requests", "release_session",
    "request_release", "respond_to_request", "wait_for_request", "my_requests", "cancel_queue_request",
}


def clone(root: Path) -> tuple[Path, Path]:
    """A clone and a second worktree of it."""
    first, second = root / "app", root / "bob"

    def git(*words: str) -> None:
        who = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"]
        subprocess.run(["git", *who, *words], check=True, cwd=root, capture_output=True)

    git("init", "-b", "main", "app")
    (first / "a.ts").write_text("export class A { run() {} }\n")
    git("-C", "app", "add", ".")
    git("-C", "app", "commit", "-m", "start")
    git("-C", "app", "worktree", "add", "-b", "bob", "../bob")
    (first / ".coordination").mkdir()
    return first, second


async def start(stack: AsyncExitStack, program: str, cwd: Path, home: Path) -> ClientSession:
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "USER": "alice"}
    server = StdioServerParameters(command=program, args=[], cwd=cwd, env=env)
    read, write = await stack.enter_async_context(stdio_client(server))
    session = await stack.enter_async_context(ClientSession(read, write))
    hello = await session.initialize()
    assert hello.serverInfo.name == "coordination", hello
    return session


async def call(session: ClientSession, tool: str, progress=None, **arguments):
    result = await session.call_tool(
        tool, arguments, read_timeout_seconds=timedelta(seconds=30), progress_callback=progress
    )
    assert not result.isError, result
    return result.structuredContent


async def drive(program: str, root: Path) -> None:
    first, second = clone(root)
    live = first / ".coordination" / "sessions.live"
    async with AsyncExitStack() as stack:
        alice = await start(stack, program, first, root)
        bob = await start(stack, program, second, root)
        assert {tool.name for tool in (await alice.list_tools()).tools} == TOOLS
        assert len(live.read_text().splitlines()) == 1

        held = await call(alice, "claim_files", patterns=["a.ts"], description="the client")
        assert len(held["claim_ids"]) == 1, held
        refused = await call(bob, "claim_files", patterns=["a.ts"])
        assert refused["claim_ids"] == [] and refused["conflicts"], refused
        slip = await call(bob, "claim_files", symbols={"a.ts": ["A::rnu"]})
        assert slip["client_validated"], slip

        told = asyncio.Event()

        async def progress(done: float, total: float | None, message: str | None) -> None:
            assert total == 300 and "number 1" in message, (total, message)
            told.set()

        wait = asyncio.create_task(call(bob, "claim_files", progress, patterns=["a.ts"], wait_seconds=300))
        await asyncio.wait_for(told.wait(), 30)
        queued = await call(bob, "my_requests", queued=True)
        assert queued["count"] == 1, queued
        await call(alice, "release_claims", claim_ids=held["claim_ids"])
        granted = await asyncio.wait_for(wait, 30)
        assert len(granted["claim_ids"]) == 1, granted

        asked = await call(alice, "request_release", claim_id=granted["claim_ids"][0], wait_seconds=0)
        answer = await call(bob, "respond_to_request", request_id=asked["id"], decision="approved")
        assert answer["decision"] == "approved", answer
        assert (await call(alice, "wait_for_request", request_id=asked["id"], timeout=30))["decision"] == "approved"
        wrong = await alice.call_tool("wait_for_request", {"request_id": "nope"})
        assert wrong.isError and "nope" in wrong.structuredContent["detail"], wrong
    assert not live.exists(), live.read_text()


def main() -> None:
    program = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(asyncio.wait_for(drive(program, Path(directory).resolve()), 50))
    print("mcp-client: the Python client gets what it asks for")


if __name__ == "__main__":
    main()
