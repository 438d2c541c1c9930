#!/usr/bin/env python3
"""A laptop between the office and a home, in the laboratory: how long after a change of network it is managed again, in both
directions, also in the middle of a call; how long it takes to find out that a management point is dead and to be served by the next; how many bytes of a download
come twice for each interruption. Medians over the rounds; where a rule stands in the way of a number it is said beside it.

usage: network_switch.py BUILD [--rounds 5] [--json FILE]      (root: it makes namespaces)"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lab"))
MIB = 1 << 20


class Bench:
    def __init__(self, company, farlab, topology):
        self.company, self.farlab, self.topology = company, farlab, topology
        self.seconds = {}

    def note(self, what, began):
        self.seconds.setdefault(what, []).append(time.monotonic() - began)

    def managed_at(self, place, location):
        """It says where it is, and the site has heard it from there."""
        told = lambda: self.company.laptop.log("agent.log").count("heartbeat sent")
        before = told()
        self.company.carry(place)
        began = time.monotonic()

        def there():
            if told() == before:
                return False
            status = self.company.status()
            return status["location"] == location and not status["last problem"]
        self.farlab.wait_for(location, there, 120, 0.02)
        return began

    def switches(self, rounds):
        for _ in range(rounds):
            self.note("office to home, s", self.managed_at(self.topology.HOME, "Currently internet"))
            self.note("home to office, s", self.managed_at(self.topology.INTRANET, "Currently intranet"))

    def in_a_call(self, rounds):
        """Carried off while the management point owes an answer on a connection that is open: it never comes."""
        company = self.company
        for _ in range(rounds):
            company.carry(self.topology.INTRANET)
            self.farlab.wait_for("the office", lambda: (s := company.status())["location"] == "Currently intranet" and not s["last problem"], 120)
            self.quiet()
            told = company.laptop.log("agent.log").count("heartbeat sent")
            company.freeze_site()
            asking = company.laptop.start("farpoint-agent", "evaluate", "heartbeat", "policy", log="evaluate.log")
            self.farlab.wait_for("the call", lambda: ":443" in company.laptop.out("ss", "-Htn", "state", "established"))
            company.carry(self.topology.HOME)
            began = time.monotonic()
            company.thaw_site()
            self.farlab.wait_for("home", lambda: company.laptop.log("agent.log").count("heartbeat sent") > told
                                 and company.status()["location"] == "Currently internet" and not company.status()["last problem"], 120, 0.02)
            self.note("office to home in a call, s", began)
            asking.wait(60)

    def quiet(self):
        """No worker runs."""
        self.farlab.wait_for("the worker to end", lambda: self.company.laptop.run("pgrep", "-f", "farpoint-agent worker", check=False).returncode, 60)

    def dead_points(self, rounds, public):
        self.company.carry(self.topology.HOME)
        self.farlab.wait_for("home", lambda: self.company.status()["location"] == "Currently internet", 120)
        for _ in range(rounds):
            for verdict, what in (("reject with tcp reset", "dead MP that refuses, s"), ("drop", "dead MP that is silent, s")):
                self.company.evaluate("policy")
                used = self.company.status()["management point"]
                with self.company.unpublished(public[used], verdict=verdict):
                    began = time.monotonic()
                    self.company.evaluate("policy")
                    assert self.company.status()["last problem"] == ""
                    self.note(what, began)

    def twice(self, interruptions):
        """MiB beside the content, for each interruption, of one download that is carried to and fro."""
        company = self.company
        size = (6 * interruptions + 8) * MIB
        company.carry(self.topology.INTRANET)
        content = company.offer("lab-carried", size // MIB, ["site.corp.test", "dp.example.test", "dp2.example.test"], "Carried")
        company.count(company.laptop)
        done = lambda: next((d["bytes_done"] for d in company.downloads() if d["content"] == content), 0)
        with company.slowly(company.site, company.edge, company.edge2):
            company.farpoint("deploy", "Carried", "--to", "All Systems", "--purpose", "required")
            company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
            for n in range(interruptions):
                wanted = (6 * n + 4) * MIB
                self.farlab.wait_for(f"{wanted >> 20} MiB", lambda: done() >= wanted, 240)
                company.carry(self.topology.HOME if n % 2 == 0 else self.topology.INTRANET)
            self.farlab.wait_for("the package", lambda: company.installed("lab-carried"), 300)
        return (sum(company.counted(company.laptop).values()) - size) / interruptions / MIB


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    os.environ["FARPOINT_BIN"] = str(options.build.resolve())
    import farlab
    import networks
    import topology
    with networks.Networks() as company:
        company.install_agent()
        company.start_agent()
        farlab.wait_for("registration", company.device)
        company.evaluate("all")
        bench = Bench(company, farlab, topology)
        bench.switches(options.rounds)
        bench.in_a_call(options.rounds)
        bench.dead_points(options.rounds, {"https://mp.example.test:8443": topology.MP_PUBLIC, "https://mp2.example.test:8443": networks.MP2_PUBLIC})
        twice = bench.twice(4)
    result = {what: statistics.median(taken) for what, taken in bench.seconds.items()}
    result["MiB beside the content per interruption"] = twice
    for what, value in result.items():
        print(f"{what:<42} {value:8.2f}")
    if options.json:
        options.json.write_text(json.dumps({"medians": result, "rounds": bench.seconds}, indent=1))


if __name__ == "__main__":
    main()
