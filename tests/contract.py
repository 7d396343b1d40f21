"""Run the executable contract against the built binary, and hold its result against what is not built yet.

    python3 tests/contract.py PATH/TO/run.py [BINARY]

Every scenario must pass, except those named in contract-pending.txt, which must fail: whoever builds what they need takes
their line out.
"""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PENDING = HERE / "contract-pending.txt"
def main():
    run = sys.argv[1]
    binary = sys.argv[2] if len(sys.argv) > 2 else str(HERE.parent / "target" / "debug" / "coord")
    command = [sys.executable, run, "--spawn", binary + " serve"]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    failed = set(re.findall(r"^FAIL (\w+: .*?) \[(?:agrees|differs)\]", output, re.MULTILINE))
    pending = {line.strip() for line in PENDING.read_text("utf-8").splitlines() if line.strip() and line[0] != "#"}
    if not re.search(r"^\d+ passed, \d+ failed$", output, re.MULTILINE):
        sys.exit(output + "the contract did not run to its end")
    surprises = sorted("it fails: " + title for title in failed - pending)
    surprises += sorted("it passes, take it off the list: " + title for title in pending - failed)
    if surprises:
        sys.exit(output + "\n".join(surprises))
    print(re.findall(r"^\d+ steps in .*$", output, re.MULTILINE)[0])
    print("contract: all pass but %d that wait for what is not built yet" % len(pending))


main()
