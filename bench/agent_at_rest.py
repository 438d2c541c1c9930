#!/usr/bin/env python3
"""The agent's resident process at rest: memory, CPU and wake-ups over a stretch of time, on a machine of the laboratory.

usage: agent_at_rest.py BUILD [--seconds 60]      (root: it makes namespaces)"""
import argparse
import os
import pathlib
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lab"))


def read(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    value = lambda name: int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])
    return {"rss_kib": value("VmRSS"), "ticks": int(stat[11]) + int(stat[12]), "wakeups": value("voluntary_ctxt_switches")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    os.environ["FARPOINT_BIN"] = str(options.build.resolve())
    import farlab
    import story
    with story.Office() as office:
        office.install_agent()
        office.start_agent()
        farlab.wait_for("registration", office.device)
        office.evaluate("all")
        pid = next(int(p.name) for p in pathlib.Path("/proc").glob("[0-9]*")
                   if (p / "comm").exists() and (p / "comm").read_text().strip() == "farpoint-agent-"[:15])
        before = read(pid)
        threading.Event().wait(options.seconds)
        after = read(pid)
    minutes = options.seconds / 60
    print(f"resident memory   {after['rss_kib'] / 1024:8.1f} MiB")
    print(f"CPU               {(after['ticks'] - before['ticks']) / os.sysconf('SC_CLK_TCK') / minutes:8.3f} s per minute")
    print(f"wake-ups          {(after['wakeups'] - before['wakeups']) / minutes:8.1f} per minute")


if __name__ == "__main__":
    main()
