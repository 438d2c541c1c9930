#!/usr/bin/env python3
"""A download of 256 MiB through bridging and tunnelling proxies, as a ratio to the direct way, in one run on one machine: client,
proxy and server share its cores, which makes the proxies look slower than on a machine of their own. See bench/README.md.

usage: bridge_vs_direct.py BUILD [--rounds 3] [--megabytes 256] [--json FILE]      (root: it makes namespaces)"""
import argparse
import hashlib
import hmac
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lab"))
WAYS = {"direct": None, "nginx bridge": ("nginx", "bridge"), "haproxy bridge": ("haproxy", "bridge"), "nginx tunnel": ("nginx", "tunnel"),
        "haproxy tunnel": ("haproxy", "tunnel")}


def location(company, content, client):
    """The path that a management point gives to this client, which holds for every way."""
    key = bytes.fromhex(json.loads(company.edge.read("/var/lib/farpoint/trust.json"))["capability_key"])
    expiry = int(time.time()) + 3600
    mac = hmac.new(key, f"farpoint-content-capability-v1\n{content}\n{client}\n{expiry}\n".encode(), hashlib.sha256).hexdigest()
    return f"https://dp.example.test/SMS_DP_SMSPKG$/.cap-{expiry}-{client.split(':')[1]}-{mac}/{content}/large.bin"


def fetch(host, url):
    """Bytes a second."""
    own = f"/etc/farpoint/certificates/{host.name}"
    said = host.out("curl", "-sf", "--cacert", "/etc/farpoint/root.pem", "--cert", f"{own}.pem", "--key", f"{own}.key", "-o", "/dev/null",
                    "-w", "%{size_download} %{time_total}", url, timeout=600)
    size, seconds = said.split()
    return int(size) / float(seconds)


def measure(company, megabytes, rounds):
    import farlab
    company.site.run("sh", "-c", f"mkdir -p /root/src && head -c {megabytes}M /dev/urandom > /root/src/large.bin")
    content = company.farpoint_json("content", "add", "--source", "/root/src")["content_id"]
    company.site.run("farpoint", "content", "distribute", content, "--dp", "dp.example.test", timeout=600)  # waits for it
    farlab.wait_for("what the site delivers", lambda: "capability_key" in company.edge.read("/var/lib/farpoint/trust.json"))
    host = company.at_home("pc")
    host.run("farpoint-agent", "evaluate", "policy", timeout=240)
    url = location(company, content, company.device("pc")["client_id"])
    rates = {way: [] for way in WAYS}
    for number in range(rounds + 1):
        for way, words in WAYS.items():
            if words:
                company.publish(*words)
            else:
                company.take_down()
                company.lead(False)
            rate = fetch(host, url)
            if number > 0:  # the first round warms caches
                rates[way].append(rate)
    return {way: statistics.median(r) for way, r in rates.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    os.environ["FARPOINT_BIN"] = str(options.build.resolve())
    import publishing
    with publishing.Published() as company:
        rates = measure(company, options.megabytes, options.rounds)
    print(f"{options.megabytes} MiB over TLS, {os.cpu_count()} cores shared by client, proxy and server")
    for way, rate in rates.items():
        print(f"  {way:16} {rate / 1e6:8.0f} MB/s   {rate / rates['direct']:5.2f} x direct")
    if options.json:
        options.json.write_text(json.dumps({way: {"bytes_per_s": rate, "ratio": rate / rates["direct"]} for way, rate in rates.items()},
                                           indent=2) + "\n")


if __name__ == "__main__":
    main()
