"""Realms of Kerberos on loopback: MIT's key distribution centres, one for each realm, and who trusts whom."""
import os
import pathlib
import subprocess

import farlab
import scratch


class Realms:
    """`names` of realms; `trusts`: pairs (who trusts, whom): users of the second get tickets for services of the first."""

    def __init__(self, folder, names, trusts=()):
        self.folder, self.names, self.trusts = pathlib.Path(folder), names, trusts
        self.folder.mkdir(parents=True)
        self.config = self.folder / "krb5.conf"
        self.ports = {name: scratch.free_port() for name in names}
        self.processes = []

    def __enter__(self):
        self.write_config(self.config)
        for name in self.names:
            folder = self._folder(name)
            folder.mkdir()
            (folder / "kdc.conf").write_text(
                f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.ports[name]}\n kdc_tcp_listen = 127.0.0.1:{self.ports[name]}\n[realms]\n {name} = {{\n"
                f"  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n  acl_file = {folder}/acl\n"
                "  max_life = 10h\n  supported_enctypes = aes256-cts-hmac-sha1-96:normal\n }\n[logging]\n"
                f" kdc = FILE:{folder}/kdc.log\n")
            self._run(name, "kdb5_util", "create", "-s", "-r", name, "-P", "master")
        for truster, trusted in self.trusts:
            for realm in (truster, trusted):
                self.add(realm, f"krbtgt/{truster}@{trusted}", password="shared secret of both")
        for name in self.names:
            log = open(self._folder(name) / "output.log", "ab")
            self.processes.append(subprocess.Popen(["krb5kdc", "-n", "-r", name], env=self._environment(name), stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=subprocess.STDOUT))
            farlab.wait_for(f"the KDC of {name}", lambda n=name: "commencing operation" in (self._folder(n) / "kdc.log").read_text(), 60)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
            process.wait(timeout=20)

    def write_config(self, path, clock_skew_s=300):
        """A client's or server's view of these realms."""
        realms = "".join(f" {n} = {{\n  kdc = 127.0.0.1:{p}\n }}\n" for n, p in self.ports.items())
        domains = "".join(f" .{n.lower()} = {n}\n" for n in self.names)
        paths = "".join(f" {trusted} = {{\n  {truster} = .\n }}\n" for truster, trusted in self.trusts)
        path.write_text(f"[libdefaults]\n default_realm = {self.names[0]}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n"
                        f" dns_canonicalize_hostname = false\n clockskew = {clock_skew_s}\n[realms]\n{realms}[domain_realm]\n{domains}"
                        f"[capaths]\n{paths}")
        return path

    def _folder(self, name):
        return self.folder / name.lower()

    def _environment(self, name):
        return {**os.environ, "KRB5_CONFIG": str(self.config), "KRB5_KDC_PROFILE": str(self._folder(name) / "kdc.conf"), "LC_ALL": "C"}

    def _run(self, name, *command, **options):
        return farlab.sh(*command, env=self._environment(name), **options)

    def add(self, realm, principal, password=None, *more):
        key = ["-pw", password] if password else ["-randkey"]
        self._run(realm, "kadmin.local", "-r", realm, "addprinc", *key, *more, principal)

    def keytab(self, realm, path, *principals):
        for principal in principals:
            self._run(realm, "kadmin.local", "-r", realm, "ktadd", "-k", path, principal)
        path.chmod(0o600)
        return path

    def login(self, principal, password, cache, *more):
        """A ticket in the file `cache`, whose path it gives back in the form that programs take."""
        farlab.sh("kinit", "-c", f"FILE:{cache}", *more, principal, input=password + "\n", env={**os.environ, "KRB5_CONFIG": str(self.config)})
        return f"FILE:{cache}"
