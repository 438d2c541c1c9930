"""The company behind its web proxy (publishing.py) with a software update point, and a vendor on the internet whose signed apt
repository it synchronises with."""
import gzip
import hashlib
import lzma
import pathlib
import time

import farlab
import publishing
import story
import topology

VENDOR, VENDOR_ADDRESS = "deb.vendor.test", "203.0.113.30"
REPOSITORY, SUITE = f"http://{VENDOR}/lab", "stable-security"
KEYRING = "/etc/farpoint/vendor.gpg"
NGINX = """daemon off; master_process off; user root; error_log stderr; pid /run/nginx.pid;
events {}
http { access_log /var/log/vendor.log; server { listen 80; root /srv; } }
"""
SECTION = f"""
[software_update_point]
connections = "both"

[[software_update_point.source]]
name = "lab security"
url = "{REPOSITORY}"
suite = "{SUITE}"
components = ["main"]
architectures = ["amd64"]
keyring = "{KEYRING}"
"""
DOWN = """
table ip vendor_down {{
  chain forward {{ type filter hook forward priority -10; ip daddr {address} tcp dport 80 reject with tcp reset; }}
}}
"""


class Signer:
    """An OpenPGP key of a vendor, kept below `folder`."""

    def __init__(self, folder, name):
        self.home = pathlib.Path(folder) / f"gnupg-{name}"
        self.home.mkdir(mode=0o700)
        self._gpg("--passphrase", "", "--quick-gen-key", f"{name} <{name}@vendor.test>", "ed25519", "sign", "never")

    def _gpg(self, *words, **options):
        return farlab.sh("gpg", "--homedir", self.home, "--batch", "--quiet", "--pinentry-mode", "loopback", *words, **options)

    def keyring(self):
        target = self.home / "keyring.gpg"
        self._gpg("--yes", "--output", target, "--export")
        return target.read_bytes()

    def clearsigned(self, text):
        source, target = self.home / "Release", self.home / "InRelease"
        source.write_text(text)
        self._gpg("--yes", "--output", target, "--clearsign", source)
        return target.read_bytes()

    def close(self):
        farlab.sh("gpgconf", "--homedir", self.home, "--kill", "all", check=False)


def release_of(files, at, until=None):
    """A release file over `files` (path -> bytes), made at `at` and good until `until` (seconds)."""
    def date(moment):
        return time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime(moment))
    lines = ["Origin: Lab", "Label: Lab-Security", f"Suite: {SUITE}", f"Codename: {SUITE}", "Architectures: amd64", "Components: main",
             f"Date: {date(at)}", *([f"Valid-Until: {date(until)}"] if until else []), "SHA256:"]
    lines += [f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}" for path, data in sorted(files.items())]
    return "\n".join(lines) + "\n"


class Updates(publishing.Published):
    def __init__(self, code="FP1"):
        super().__init__(code)
        self.more_public = {VENDOR: VENDOR_ADDRESS}
        self.packages = {}  # what the repository offers: name -> (version, file name, bytes)
        self.clock = time.time() - 3600

    def __enter__(self):
        super().__enter__()
        try:
            self.signer, self.stranger = Signer(self.lab.dir, "vendor"), Signer(self.lab.dir, "stranger")
            self.vendor = self.lab.host("vendor", VENDOR, self.lab.networks[topology.INTERNET], f"{VENDOR_ADDRESS}/24")
            self.vendor.write("/etc/vendor.conf", NGINX)
            self.vendor.run("mkdir", "-p", "/srv/lab/pool")
            self.vendor.start("nginx", "-c", "/etc/vendor.conf", log="vendor.log")
            farlab.wait_for("the vendor", lambda: ":80 " in self.vendor.out("ss", "-Hltn"))
            self.offer("lab-tool", "2.0")
            self.site.write(KEYRING, self.signer.keyring())
            text = self.site.read("/etc/farpoint/farpoint.toml")
            self.site.write("/etc/farpoint/farpoint.toml", text + SECTION, 0o640)
            self.site.stop(self.daemon)
            self.start_site()
            # The configuration says both; on the internet the edge alone gives content.
            self.farpoint("dp", "add", "site.corp.test", "--intranet-url", "https://site.corp.test:443", "--connections", "intranet")
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def __exit__(self, error, *rest):
        for signer in ("signer", "stranger"):
            if hasattr(self, signer):
                getattr(self, signer).close()
        super().__exit__(error, *rest)

    # --- the vendor ----------------------------------------------------------------------------------------------
    def offer(self, name, version, megabytes=0):
        """A package in the repository, in place of its earlier version; the index is signed anew. Returns its file name."""
        deb = story.build_deb(self.lab.dir, name, version, megabytes)
        self.vendor.write(f"/srv/lab/pool/{deb.name}", deb.read_bytes())
        self.packages[name] = (version, deb.name, deb.read_bytes())
        self.sign()
        return deb.name

    def index(self):
        stanzas = []
        for name, (version, file, data) in sorted(self.packages.items()):
            stanzas.append(f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Vendor <nobody@vendor.test>\n"
                           f"Filename: pool/{file}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
                           f"Description: {name} of the laboratory\n more of it\n")
        return "\n".join(stanzas).encode()

    def sign(self, signer=None, at=None, forms=("", ".xz", ".gz"), until=None):
        """Writes the index in these forms, and the signed release file over them; each one is newer than the one before."""
        self.clock += 60
        text = self.index()
        packed = {"": text, ".xz": lzma.compress(text), ".gz": gzip.compress(text)}
        files = {f"main/binary-amd64/Packages{form}": packed[form] for form in forms}
        self.vendor.run("rm", "-rf", f"/srv/lab/dists/{SUITE}")
        self.vendor.run("mkdir", "-p", f"/srv/lab/dists/{SUITE}/main/binary-amd64")
        for path, data in files.items():
            self.vendor.write(f"/srv/lab/dists/{SUITE}/{path}", data)
        self.vendor.write(f"/srv/lab/dists/{SUITE}/InRelease", (signer or self.signer).clearsigned(release_of(files, at or self.clock, until)))

    def asked_of_the_vendor(self, name, by=topology.ROUTER_PUBLIC):
        """Lines of the vendor's log about a package, from one address."""
        return [line for line in topology.vendor_lines(self.vendor, name) if line.startswith(by + " ")]

    def cut_vendor(self, cut):
        """Nobody at home reaches the vendor any more; the site does."""
        rules = DOWN.format(address=VENDOR_ADDRESS) if cut else "delete table ip vendor_down"
        farlab.sh("ip", "netns", "exec", self.router.namespace, "nft", "-f", "-", input=rules)

    # --- the site ------------------------------------------------------------------------------------------------
    def sync(self):
        return self.farpoint("update", "sync")

    def update(self, package):
        return self.farpoint_json("update", "show", package)

    def scans(self, door):
        """How many scans began at that door of the site."""
        return self.site.log("farpointd.log").count(f"begins a scan at {door}")

    # --- the laptop ----------------------------------------------------------------------------------------------
    def has(self, name, version, host=None):
        """That version of a package is on the computer, as if somebody had installed it before."""
        deb = story.build_deb(self.lab.dir, name, version)
        (host or self.laptop).write(f"/root/{deb.name}", deb.read_bytes())
        (host or self.laptop).run("dpkg", "-i", f"/root/{deb.name}")

    def scan(self, host=None):
        """A forced scan, and its states told."""
        self.evaluate("policy", host)
        self.evaluate("updates", host)
        self.evaluate("state", host)
        return self.status(host)
