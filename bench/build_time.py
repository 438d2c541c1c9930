#!/usr/bin/env python3
"""How long a clean release build of the programs takes: no ccache, a folder of its own, tests apart. The budget is 480 s.

usage: build_time.py [--jobs N] [--target NAME]... [--json FILE]      (--target: only these, instead of the four programs)"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ["farpointd", "farpoint", "farpoint-agent", "farpoint-agent-resident"]
BUDGET_S = 480


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", help="not used: every script of bench/ is called with the release build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--target", action="append")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="farpoint-build-"))
    env = dict(os.environ, CCACHE_DISABLE="1")
    targets = options.target or PROGRAMS
    try:
        started = time.monotonic()
        for command in (["cmake", "--preset", "release", "-B", folder, "-DFARPOINT_TESTS=OFF", "-DCCACHE=CCACHE-NOTFOUND"],
                        ["ninja", "-C", folder, "--quiet", f"-j{options.jobs}", *targets]):
            done = subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                sys.exit(done.stdout[-4000:])
        seconds = time.monotonic() - started
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {"seconds": round(seconds, 1), "budget_s": BUDGET_S, "jobs": options.jobs, "targets": targets}
    verdict = "" if options.target else (", within the budget" if seconds <= BUDGET_S else ", OVER the budget")
    print(f"{' '.join(targets)}: {seconds:.0f} s with {options.jobs} jobs; all programs have {BUDGET_S} s{verdict}")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
