#!/usr/bin/env python3
"""A management point answering "unchanged" to signed policy requests, beside nginx serving a static 4 KiB file.

The site is `farpointd scratch --profile default`: an internet listener with mutual TLS, message signatures, binding of keys and
replay rules on. The request is signed once beforehand (an honest retry is byte-identical) and sent again and again on
keep-alive connections. nginx asks for and verifies the same client certificates. Rounds alternate; medians.

usage: mp_vs_nginx.py BUILD [--rounds 5] [--seconds 4] [--connections 32] [--json FILE]"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import dp_vs_nginx as dp

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "lab")]


def signed_request(site):
    """Registers client 1, and the bytes of a delta request that has nothing new behind it."""
    import farclient
    client = farclient.Client.with_files(site.session(1), site.https, site.data / "client1.pem", site.data / "client1.key", "client1")
    client.register()
    reply = client.ask("MP_PolicyManager", client.policy_request())
    cookie = re.search(r"<ServerCookie>([^<]+)</ServerCookie>", reply).group(1)
    body = client.envelope("MP_PolicyManager", client.policy_request(cookie=cookie, kind="Delta"))
    assert "<PolicyAssignment " not in farclient.open_reply(client.post(body).content)
    head = (f'CCM_POST /ccm_system/request HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/mixed; boundary="{farclient.BOUNDARY}"\r\n'
            f"Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ["FARPOINT_BIN"] = str(build)
    import scratch
    dp.compile_programs(build)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="farpoint-bench-"))
    folder.chmod(0o755)  # nginx reads the files as another user
    with scratch.Scratch("default", folder) as site:
        (folder / "files").mkdir()
        (folder / "files" / "small").write_bytes(os.urandom(4096))
        for name in ("server.pem", "server.key"):
            shutil.copy(site.data / name, folder / name)
        shutil.copy(site.data / "client1.pem", folder / "client.pem")
        shutil.copy(site.data / "client1.key", folder / "client.key")
        (folder / "request").write_bytes(signed_request(site))
        port = dp.free_port()
        (folder / "nginx.conf").write_text(dp.NGINX.format(dir=folder, port=port, threads=os.cpu_count(), issuers=site.data / "ca-chain.pem"))
        nginx = dp.Server("nginx", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", folder / "nginx.conf", "-p", folder], port)

        class Site:
            process, port = site.process, site.https_port
        rounds = {"nginx": [], "farpoint": []}
        try:
            for number in range(options.rounds + 1):
                for name, server, path in (("nginx", nginx, "/small"), ("farpoint", Site, f"@{folder}/request")):
                    result = dp.measure(build, folder, server, path, options.connections, options.seconds, 0)
                    if number:
                        rounds[name].append(result)
        finally:
            nginx.stop()
        report = {name: dp.summary("small", list_) for name, list_ in rounds.items()}
        report["rate_ratio"] = report["farpoint"]["rate"] / report["nginx"]["rate"]
        report["load_cpu_share"] = statistics.median(r["load_cpu_s"] / r["seconds"] for r in rounds["farpoint"])
    for name in ("nginx", "farpoint"):
        print(f"{name:10} {report[name]['rate']:12.0f} requests/s {report[name]['cpu']:10.1f} us of CPU per request, p99 {report[name]['p99_ms']:.2f} ms")
    print(f"ratio      {report['rate_ratio']:12.2f} (load tool: {report['load_cpu_share']:.2f} cores)")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
