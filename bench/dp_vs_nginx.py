#!/usr/bin/env python3
"""A distribution point's file serving beside nginx: same files, certificate, cipher, client authentication, no access log.

Both servers run one after the other in each round, so that a busy machine disturbs both alike; medians over the rounds.
CPU seconds of the server are the steadier number. See bench/README.md.

usage: dp_vs_nginx.py BUILD [--rounds 5] [--seconds 4] [--connections 32] [--json FILE] [--only large|small] [--pool]
BUILD is a release build folder that holds libfp_net.a; the two small programs of bench/ are compiled into it."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
GIB = 1 << 30
NGINX = """
daemon off; worker_processes {threads}; worker_rlimit_nofile 8192; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off; server_tokens off; default_type application/octet-stream; etag on;
  sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 120s;
  open_file_cache max=10000 inactive=300s; open_file_cache_valid 300s; output_buffers 4 256k;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{
    listen 127.0.0.1:{port} ssl reuseport; root {dir}/files;
    ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_client_certificate {dir}/client.pem; ssl_verify_client optional_no_ca; ssl_buffer_size 16k;
  }}
}}
"""


def compile_programs(build):
    libraries = [build / f"libfp_{name}.a" for name in ("net", "pki", "crypto", "model", "base")]
    libraries = [str(lib) for lib in libraries if lib.exists()]
    common = ["c++", "-std=c++23", "-O2", "-I", str(ROOT / "src"), "-DFMT_SHARED", "-DSPDLOG_SHARED_LIB", "-DSPDLOG_COMPILED_LIB",
              "-DSPDLOG_FMT_EXTERNAL"]
    for name, extra in (("load", ["-lssl", "-lcrypto"]),
                        ("static_server", [*libraries, "-lspdlog", "-lfmt", "-lssl", "-lcrypto", "-lcurl", "-lz", "-lpthread"])):
        subprocess.run([*common, str(HERE / f"{name}.cpp"), "-o", str(build / f"bench_{name}"), *extra], check=True)


def make_files(folder, large):
    files = folder / "files"
    files.mkdir()
    block = os.urandom(1 << 20)
    if large:
        with open(files / "large", "wb") as out:
            for _ in range(1024):
                out.write(block)
    (files / "small").write_bytes(block[:4096])
    for name in ("server", "client"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"], check=True, capture_output=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_s(pid):
    """CPU seconds of a process and its children, threads included."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Server:
    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.process = subprocess.Popen(command)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"{name} does not listen")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def measure(build, folder, server, path, connections, seconds, requests):
    before = cpu_s(server.process.pid)
    done = subprocess.run([build / "bench_load", str(server.port), path, str(connections), str(seconds), str(requests),
                           folder / "client.pem", folder / "client.key"], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"load on {server.name} {path}: {done.stderr} {done.stdout}")
    result = json.loads(done.stdout)
    result["server_cpu_s"] = cpu_s(server.process.pid) - before
    return result


def median_of(rounds, value):
    return statistics.median(value(r) for r in rounds)


def summary(kind, rounds):
    if kind == "large":
        return {"rate": median_of(rounds, lambda r: r["bytes"] / r["seconds"] / 1e9), "rate_unit": "GB/s",
                "cpu": median_of(rounds, lambda r: r["server_cpu_s"] / (r["bytes"] / GIB)), "cpu_unit": "s per GiB"}
    return {"rate": median_of(rounds, lambda r: r["requests"] / r["seconds"]), "rate_unit": "requests/s",
            "cpu": median_of(rounds, lambda r: 1e6 * r["server_cpu_s"] / r["requests"]), "cpu_unit": "us per request",
            "p99_ms": median_of(rounds, lambda r: r["p99_ms"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", choices=("large", "small"))
    parser.add_argument("--pool", action="store_true", help="answer on the worker pool, as a role that reads a database does")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    build = options.build.resolve()
    compile_programs(build)
    kinds = [options.only] if options.only else ["large", "small"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="farpoint-bench-"))
    folder.chmod(0o755)  # nginx reads the files as another user
    servers = []
    try:
        make_files(folder, "large" in kinds)
        ports = free_port(), free_port()
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=ports[0], threads=options.threads))
        servers.append(Server("nginx", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", folder / "nginx.conf", "-p", folder], ports[0]))
        servers.append(Server("farpoint", [build / "bench_static_server", folder / "files", folder / "server.pem", folder / "server.key",
                                           str(ports[1]), str(options.threads), "pool" if options.pool else "quick"], ports[1]))
        report = {}
        for kind in kinds:
            rounds = {server.name: [] for server in servers}
            for number in range(options.rounds + 1):
                for server in servers:
                    if kind == "large":
                        result = measure(build, folder, server, "/large", 1, 0, 1)
                    else:
                        result = measure(build, folder, server, "/small", options.connections, options.seconds, 0)
                    if number > 0:  # the first round warms caches
                        rounds[server.name].append(result)
            report[kind] = {name: summary(kind, list_) for name, list_ in rounds.items()}
            ours, theirs = report[kind]["farpoint"], report[kind]["nginx"]
            report[kind]["rate_ratio"] = ours["rate"] / theirs["rate"]
            report[kind]["cpu_ratio"] = theirs["cpu"] / ours["cpu"] if ours["cpu"] else 0.0
        print_table(report)
        if options.json:
            options.json.write_text(json.dumps(report, indent=2) + "\n")
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def print_table(report):
    names = {"large": "1 GiB file, 1 connection", "small": "4 KiB file, keep-alive"}
    print(f"{'':28}{'nginx':>14}{'farpoint':>14}{'ratio':>8}")
    for kind, data in report.items():
        ours, theirs = data["farpoint"], data["nginx"]
        print(f"{names[kind]:28}{theirs['rate']:14.3f}{ours['rate']:14.3f}{data['rate_ratio']:8.2f}  {ours['rate_unit']}, more is better")
        print(f"{'  CPU of the server':28}{theirs['cpu']:14.3f}{ours['cpu']:14.3f}{data['cpu_ratio']:8.2f}  {ours['cpu_unit']}, ratio > 1: we need less")


if __name__ == "__main__":
    main()
