"""A site as `farpointd init` makes it, on loopback, with an administrator: its data stand where the test says."""
import contextlib
import json
import pathlib
import signal
import sqlite3
import subprocess

import farclient
import farlab
import requests
import scratch


class Plant:
    def __init__(self, data, logs, name="site"):
        """`data`: the folder that may lose power or fill up; `logs` stands elsewhere."""
        self.data, self.log_file = pathlib.Path(data), pathlib.Path(logs) / f"{name}.log"
        self.config = self.data / "farpoint.toml"
        self.process, self.starts = None, 0
        self.http_port, self.https_port, self.admin_port = (scratch.free_port() for _ in range(3))
        self.http, self.https = f"http://127.0.0.1:{self.http_port}", f"https://localhost:{self.https_port}"
        self.env = {**farlab.CLEAN_ENV, "HOME": str(logs), "FARPOINT_CLI": str(self.data / "admin-cli.json")}
        farlab.sh(farlab.BIN / "farpointd", "init", "--site-code", "LAB", "--data", self.data, "--config", self.config, "--own-ca",
                  "--intranet-fqdn", "localhost", "--intranet-listen", f"127.0.0.1:{self.https_port}", "--intranet-http-listen",
                  f"127.0.0.1:{self.http_port}", "--admin-listen", f"127.0.0.1:{self.admin_port}", "--approval", "all", env=self.env)

    def start(self):
        self.starts += 1
        self.process = subprocess.Popen([farlab.BIN / "farpointd", "run", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=open(self.log_file, "ab"), stderr=subprocess.STDOUT, env=self.env)
        try:
            farlab.wait_for("the site to run", self._running)
        except BaseException:  # nothing is left behind: whoever enters and fails does not exit
            self.kill()
            raise
        return self

    def _running(self):
        if self.process.poll() is not None:
            raise AssertionError("farpointd ended:\n" + self.log()[-4000:])
        return self.log().count("is running") >= self.starts

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def kill(self, with_signal=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(timeout=30)

    def farpoint(self, *arguments, check=True):
        done = subprocess.run([farlab.BIN / "farpoint", *map(str, arguments)], env=self.env, check=False, capture_output=True, text=True,
                              timeout=120)
        if check and done.returncode:
            raise RuntimeError(f"farpoint {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def farpoint_json(self, *arguments):
        return json.loads(self.farpoint(*arguments, "--json").stdout)

    def client(self, name, key=None):
        session = requests.Session()
        session.trust_env = False
        return farclient.Client(session, self.http, name, key)

    def reader(self, folder):
        """A session that content is given to: with a certificate of the site's own authority."""
        self.farpoint("pki", "issue", "--ca", self.data / "ca", "--profile", "client", "--name", "reader", "--dns", "reader.lab.test", "--out",
                      folder)
        files = sorted(pathlib.Path(folder).iterdir())
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.data / "ca" / "root.pem")
        session.cert = (str(next(f for f in files if f.suffix == ".pem")), str(next(f for f in files if f.suffix == ".key")))
        return session

    def rows(self, sql, *values):
        """What the database of the stopped or running site holds."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'site.db'}?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
