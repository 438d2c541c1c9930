"""An office with a primary site and a laptop: what the demo tells and what several tests need."""
import json
import os
import pathlib
import re
import signal

import farlab

DATA = "/var/lib/farpoint"


def build_deb(folder, name, version, megabytes=0, postinst=None):
    """A real Debian package with one command that says what it is; `megabytes` of incompressible ballast; a script to configure."""
    root = pathlib.Path(folder) / f"{name}-{version}"
    (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (root / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Farpoint <nobody@example.com>\n"
        f"Description: sample package of the laboratory\n")
    if postinst:
        (root / "DEBIAN/postinst").write_text(postinst)
        (root / "DEBIAN/postinst").chmod(0o755)
    command = root / "usr/bin" / name
    command.write_text(f"#!/bin/sh\necho {name} {version} on $(hostname)\n")
    command.chmod(0o755)
    if megabytes:
        (root / "usr/share" / name).mkdir(parents=True, exist_ok=True)
        with open("/dev/urandom", "rb") as noise:
            (root / "usr/share" / name / "ballast.bin").write_bytes(noise.read(megabytes << 20))
    target = pathlib.Path(folder) / f"{name}_{version}_all.deb"
    farlab.sh("dpkg-deb", "-Znone", "--root-owner-group", "-b", root, target)
    return target


def start_sshd(host, *settings):
    """A real SSH server on `host`, with a new ed25519 key of its own and no passwords; its log is sshd.log."""
    host.run("sh", "-ec", "mkdir -p /run/sshd /root/.ssh; rm -f /etc/ssh/ssh_host_*; chmod 700 /root /root/.ssh; "
                          "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key")
    lines = ["HostKey /etc/ssh/ssh_host_ed25519_key", "PasswordAuthentication no", "UsePAM no", "PidFile none", *settings]
    host.write("/etc/ssh/lab_config", "\n".join(lines) + "\n")
    host.start("/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/lab_config", log="sshd.log")
    farlab.wait_for("sshd", lambda: ":22 " in host.out("ss", "-Hltn"))


class Office:
    """`site` and `laptop` on one network; the site has an intranet and an internet door, its own CA, SQLite."""

    def __init__(self, code="FP1", laptop_disk_mb=None):
        self.code, self.laptop_disk_mb = code, laptop_disk_mb
        self.lab = farlab.Lab()
        self.daemon = self.agent = None

    def __enter__(self):
        try:
            net = self.lab.network("office", "10.77.1.0/24")
            self.site = self.lab.host("site", "site.corp.test", net, "10.77.1.10/24")
            disk = self.lab.disk("laptop-disk", self.laptop_disk_mb) if self.laptop_disk_mb else None
            self.laptop = self.lab.host("laptop", "laptop.corp.test", net, "10.77.1.50/24", disk=disk)
            self.init_output = self.site.out(
                "farpointd", "init", "--site-code", self.code, "--own-ca", "--intranet-fqdn", "site.corp.test",
                "--intranet-listen", "0.0.0.0:443", "--internet-fqdn", "site.corp.test", "--internet-listen", "0.0.0.0:8443",
                "--crl-listen", "0.0.0.0:8080")
            self.start_site()
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(self, error, *_):
        if error:
            self.show_logs()
        self.lab.close()

    def show_logs(self, lines=40):
        for host, log in ((self.site, "farpointd.log"), (self.laptop, "agent.log")):
            print(f"--- {host.name}: {log}\n" + "\n".join(host.log(log).splitlines()[-lines:]), flush=True)

    # --- the site ----------------------------------------------------------------------------------------------
    def start_site(self):
        before = self.site.log("farpointd.log").count("is running")
        self.daemon = self.site.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the site to run", lambda: self.site.log("farpointd.log").count("is running") > before or self._died())

    def _died(self):
        if self.daemon.poll() is not None:
            raise RuntimeError("farpointd ended:\n" + self.site.log("farpointd.log")[-4000:])

    def freeze_site(self):
        """The site server takes connections (the kernel does) and answers nobody until thaw_site()."""
        self.frozen = int(pathlib.Path(f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children").read_text().split()[0])
        os.kill(self.frozen, signal.SIGSTOP)

    def thaw_site(self):
        os.kill(self.frozen, signal.SIGCONT)
        self.daemon.send_signal(signal.SIGCONT)  # nsenter stops with its child

    def farpoint(self, *arguments, check=True):
        return self.site.run("farpoint", *arguments, check=check).stdout.rstrip()

    def farpoint_json(self, *arguments):
        return json.loads(self.farpoint(*arguments, "--json"))

    def make_package(self, name, version, megabytes=0):
        """Builds a package and puts it on the site server; returns the path there."""
        deb = build_deb(self.lab.dir, name, version, megabytes)
        self.site.write(f"/root/{deb.name}", deb.read_bytes())
        return f"/root/{deb.name}"

    # --- the laptop --------------------------------------------------------------------------------------------
    def give_certificate(self, host):
        """Issues a client certificate on the site server and carries it over, as an administrator would."""
        name = host.name
        self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "client", "--name", host.fqdn, "--dns", host.fqdn,
                      "--out", f"/root/{name}")
        for path in self.site.out("ls", f"/root/{name}").split():
            host.copy_from(self.site, f"/root/{name}/{path}", f"/etc/farpoint/certificates/{path}", 0o600)
        host.copy_from(self.site, f"{DATA}/ca/root.pem", "/etc/farpoint/root.pem")
        host.copy_from(self.site, f"{DATA}/keys/signing.pem", "/etc/farpoint/site-signing.pem")

    def install_agent(self, host=None):
        host = host or self.laptop
        self.give_certificate(host)
        command = ["farpoint-agent", "install", "/UsePKICert", f"SMSSITECODE={self.code}", "SMSMP=https://site.corp.test",
                   "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
                   "/etc/farpoint/root.pem"]
        self.install_command = " ".join(command)
        return host.out(*command)

    def start_agent(self, host=None):
        host = host or self.laptop
        self.agent = host.start("farpoint-agent", "run", log="agent.log")
        return self.agent

    def evaluate(self, what, host=None):
        return (host or self.laptop).run("farpoint-agent", "evaluate", what, timeout=300).stdout

    def device(self, name="laptop"):
        return next((d for d in self.farpoint_json("device", "list") if d["name"].lower() == name), None)

    def installed(self, package, host=None):
        done = (host or self.laptop).run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n", package, check=False)
        return done.stdout.strip() if "install ok installed" in done.stdout else None

    def succeeded(self, deployment):
        text = self.farpoint("deployment", "status", deployment, "--json")
        return re.search(r'"success":\s*[1-9]', text)

    # --- downloads ---------------------------------------------------------------------------------------------
    def throttle(self, on):
        """20 Mbit/s out of the site server, so that something can happen to a download while it runs."""
        device = self.site.links["office"][0]
        if on:
            farlab.sh("ip", "netns", "exec", self.site.namespace, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", "20mbit",
                      "burst", "64kb", "latency", "400ms")
        else:
            farlab.sh("ip", "netns", "exec", self.site.namespace, "tc", "qdisc", "del", "dev", device, "root")

    def downloads(self):
        return json.loads(self.laptop.out("farpoint-agent", "status", "--json")).get("downloads", [])

    def bytes_of_largest_download(self, least=4 << 20):
        done = max((d["bytes_done"] for d in self.downloads()), default=0)
        return done if done >= least else 0

    def resume_evidence(self):
        return "\n".join(line for line in self.laptop.log("agent.log").splitlines() if "resum" in line.lower() or "goes on" in line.lower())[-1500:]
