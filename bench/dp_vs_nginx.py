#!/usr/bin/env python3
"""A distribution point beside nginx: same files, certificate, cipher, client authentication, no access log.

`farpointd` is the role itself (farpointd scratch, internet door: a verified client certificate is required); `net` is src/net
alone with a table of open files, so that what the role adds is seen. The servers run one after the other in each round, so that
a busy machine disturbs all alike; medians over the rounds. CPU seconds are the steadier number. See bench/README.md.

usage: dp_vs_nginx.py BUILD [--rounds 5] [--seconds 4] [--connections 32] [--json FILE] [--only large|small] [--without-net] [--pool]
BUILD is a release build folder that holds farpointd and libfp_net.a; the two small programs of bench/ are compiled into it."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "lab")]
GIB = 1 << 30
CHUNK = 1 << 20
CONTENT = "LAB0BE0C.1"
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
    ssl_client_certificate {issuers}; ssl_verify_client on; ssl_verify_depth 3; ssl_buffer_size 16k;
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


def put_into_library(library, files):
    """The same files as a content of the distribution point, as docs/protocol/distribution.md says that it keeps them."""
    entries, canonical = [], f"farpoint-manifest-v1\n{CONTENT}\n{CHUNK}\n{len(list(files.iterdir()))}\n"
    for file in sorted(files.iterdir()):
        whole, chunks = hashlib.sha256(), []
        with open(file, "rb") as data:
            while chunk := data.read(CHUNK):
                whole.update(chunk)
                chunks.append(hashlib.sha256(chunk).hexdigest())
        digest, size = whole.hexdigest(), file.stat().st_size
        entries.append({"path": file.name, "size": size, "sha256": digest, "modified": "2026-01-01T00:00:00Z", "chunks": chunks})
        canonical += f"{len(file.name)} {file.name}\n{size} {digest} {len(chunks)}\n" + "".join(c + "\n" for c in chunks)
        place = library / "FileLib" / digest[:4].upper() / digest.upper()
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, place)
    manifest = {"format": "farpoint-manifest-v1", "content_id": CONTENT, "chunk_bytes": CHUNK,
                "root_hash": hashlib.sha256(canonical.encode()).hexdigest(), "files": entries}
    (library / "DataLib" / f"{CONTENT}.manifest").write_text(json.dumps(manifest))


def start_role(build, folder):
    """The scratch site with the bench's content in its library; its certificates are everybody's."""
    os.environ["FARPOINT_BIN"] = str(build)
    import scratch
    site = scratch.Scratch("default", folder)
    site.start()
    site.stop()
    put_into_library(site.data / "content", folder / "files")
    for ours, theirs in (("server", "server"), ("client", "client1")):
        for kind in ("pem", "key"):
            shutil.copy(site.data / f"{theirs}.{kind}", folder / f"{ours}.{kind}")
    return site.start()


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
    def __init__(self, name, command, port, prefix=""):
        self.name, self.port, self.prefix = name, port, prefix
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


class Role:
    name, prefix = "farpointd", f"/SMS_DP_SMSPKG$/{CONTENT}"

    def __init__(self, site):
        self.process, self.port, self.stop = site.process, site.https_port, site.stop


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
    parser.add_argument("--without-net", action="store_true", help="nginx and the role only")
    parser.add_argument("--pool", action="store_true", help="net: answer on the worker pool, as a role that reads a database does")
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
        site = start_role(build, folder)
        servers.append(Role(site))
        port = free_port()
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=port, threads=options.threads, issuers=site.data / "ca-chain.pem"))
        servers.append(Server("nginx", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", folder / "nginx.conf", "-p", folder], port))
        if not options.without_net:
            port = free_port()
            servers.append(Server("net", [build / "bench_static_server", folder / "files", folder / "server.pem", folder / "server.key",
                                          str(port), str(options.threads), "pool" if options.pool else "quick"], port))
        report = {}
        for kind in kinds:
            rounds = {server.name: [] for server in servers}
            for number in range(options.rounds + 1):
                for server in servers:
                    if kind == "large":
                        result = measure(build, folder, server, server.prefix + "/large", 1, 0, 1)
                    else:
                        result = measure(build, folder, server, server.prefix + "/small", options.connections, options.seconds, 0)
                    if number > 0:  # the first round warms caches
                        rounds[server.name].append(result)
            report[kind] = {name: summary(kind, list_) for name, list_ in rounds.items()}
            theirs = report[kind]["nginx"]
            for ours in report[kind].values():
                ours["rate_ratio"] = ours["rate"] / theirs["rate"]
                ours["cpu_ratio"] = theirs["cpu"] / ours["cpu"] if ours["cpu"] else 0.0
        print_table(report)
        if options.json:
            options.json.write_text(json.dumps(report, indent=2) + "\n")
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def print_table(report):
    names = {"large": "1 GiB file, 1 connection", "small": "4 KiB file, keep-alive"}
    for kind, data in report.items():
        print(f"{names[kind]}\n{'':12}{'rate':>12} {'x nginx':>8}   {'CPU':>10} {'nginx x':>8}   (above 1: faster, needs less)")
        for name in ("nginx", "farpointd", "net"):
            if row := data.get(name):
                print(f"  {name:10}{row['rate']:12.3f} {row['rate_ratio']:8.2f}   {row['cpu']:10.3f} {row['cpu_ratio']:8.2f}   "
                      f"{row['rate_unit']}; {row['cpu_unit']}")


if __name__ == "__main__":
    main()
