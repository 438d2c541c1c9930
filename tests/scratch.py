"""A scratch site on loopback, started and stopped by the test that needs it."""
import pathlib
import signal
import socket
import subprocess

import farlab
import requests


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Scratch:
    def __init__(self, profile, folder, *extra, site_code="LAB"):
        self.profile, self.extra, self.site_code = profile, extra, site_code
        self.data = pathlib.Path(folder) / "site"
        self.http_port, self.https_port = free_port(), free_port()
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.https = f"https://127.0.0.1:{self.https_port}"
        self.log_file = pathlib.Path(folder) / "farpointd.log"
        self.process = None

    def start(self):
        command = [farlab.BIN / "farpointd", "scratch", "--profile", self.profile, "--data", self.data, "--site-code", self.site_code,
                   "--https", f"127.0.0.1:{self.https_port}", *self.extra]
        if self.profile == "open":
            command += ["--http", f"127.0.0.1:{self.http_port}"]
        self.process = subprocess.Popen(list(map(str, command)), stdout=open(self.log_file, "ab"), stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)
        farlab.wait_for("the scratch site", self._ready, 60)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError("farpointd ended:\n" + self.log())
        return "\nready\n" in self.log().rsplit("stopping", 1)[-1]

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def stop(self, with_signal=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=30)
        with open(self.log_file, "a", encoding="utf-8") as log:
            log.write("stopping\n")

    def session(self, client=None):
        """A requests session that trusts this site's CA; `client`: 1 or 2, to show a certificate."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.data / "ca.pem")
        if client:
            session.cert = (str(self.data / f"client{client}.pem"), str(self.data / f"client{client}.key"))
        return session

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
