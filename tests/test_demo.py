"""The demonstration as it is shown to a newcomer: `./dev demo` runs this script after the build."""
import os
import pathlib
import re
import subprocess

import farlab

ROOT = pathlib.Path(__file__).resolve().parent.parent

STORY = [
    r"A primary site FP1 on SQLite with its own certificate authority runs",
    r"The laptop has a certificate of the company's authority",
    r"\| farpoint-agent install .*SMSSITECODE=FP1",
    r"It registered over mutual TLS",
    r"\| LAPTOP .* not_applicable",
    r"It knows by itself that it is in the office",
    r"\| Currently intranet: the intranet management point https://site.corp.test:443 answered",
    r"an application of a real Debian package",
    r"deploys it to all systems, required",
    r"The agent fetched the policy, verified the site's signature",
    r"\| farpoint-hello 1\.0 install ok installed",
    r"\| farpoint-hello 1\.0 on laptop",
    r"The administrator sees it",
    r"\| success +1",
    r"\.\.\. and why",
    r"\| Done",
    r"Inventory came with it",
    r"the laptop was closed, [\d.]+ MB into the download, carried home",
    r"\| Currently internet: nothing of the intranet answered",
    r"\| management point https://mp\.example\.test:8443",
    r"went on at the byte where it stopped",
    r"\| .*goes on at byte [1-9]",
    r"from dp\.example\.test: at random",
    r"The perimeter opened 0 connections into the office",
    r"a maintenance window that is not open",
    r"\| .*state=2004 .*waiting for a maintenance window",
    r"In its window it installed the update",
    r"\| farpoint-hello 1\.1 install ok installed",
    r"\| .*from the vendor, https://deb\.vendor\.test/pool",
    r"tells the fallback status point",
    r"\| .*laptop\.corp\.test .*cannot reach a management point",
    r"asks once more and is managed as before",
    r"Done: office, home, resume, window, vendor, fallback",
]


def test_the_demo_tells_its_whole_story_in_order_and_ends_well():
    done = subprocess.run(["/usr/bin/python3", ROOT / "lab" / "demo.py"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
                          env={**os.environ, "FARPOINT_BIN": str(farlab.BIN)})
    assert done.returncode == 0, done.stdout
    at = 0
    for line in STORY:
        found = re.compile(line).search(done.stdout, at)
        assert found, f"{line}\n--- behind ---\n{done.stdout[at:]}"
        at = found.end()
