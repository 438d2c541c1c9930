"""Making a site and checking its configuration: with the certificates of a company's own authority, and as a service's user."""
import subprocess

import authority
import farlab
import pytest
import requests
import scratch

LINE_OF_CODE = 3


def openssl(folder, *words):
    subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True, timeout=60)


class Company:
    """An authority made with the openssl command alone; its list is served over HTTP."""

    def __init__(self, folder):
        self.folder = folder
        self.web = authority.ListServer()
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial.txt\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n"
            "default_md=sha256\ndefault_crl_days=7\ndefault_days=30\npolicy=p\ncopy_extensions=none\nunique_subject=no\n[p]\ncommonName=supplied\n")
        (folder / "serial.txt").write_text("1000\n")
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "90", "-subj",
                "/CN=Company Root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.issue("server", "serverAuth", "DNS:site.corp.test,DNS:localhost,IP:127.0.0.1")
        for name in ("laptop", "lost", "link"):
            self.issue(name, "clientAuth", f"DNS:{name}.corp.test")
        openssl(folder, "ca", "-config", "ca.cnf", "-revoke", "lost.pem")
        openssl(folder, "ca", "-config", "ca.cnf", "-gencrl", "-out", "list.pem")
        openssl(folder, "crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der")
        self.web.lists["company.crl"] = (folder / "list.der").read_bytes()

    def issue(self, name, purpose, names):
        (self.folder / f"{name}.ext").write_text(
            f"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage={purpose}\n"
            f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
            f"crlDistributionPoints=URI:{self.web.url}company.crl\n")
        openssl(self.folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(self.folder, "ca", "-batch", "-config", "ca.cnf", "-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext")

    def init(self, to, port, admin_port, *more):
        return farpointd("init", "--site-code", "CO1", "--data", to / "data", "--config", to / "farpoint.toml", "--internet-fqdn", "localhost",
                         "--internet-listen", f"127.0.0.1:{port}", "--admin-listen", f"127.0.0.1:{admin_port}",
                         "--certificate", self.folder / "server.pem", "--key", self.folder / "server.key", *more)


def farpointd(*words):
    return subprocess.run([farlab.BIN / "farpointd", *map(str, words)], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    made = Company(tmp_path_factory.mktemp("company"))
    yield made
    made.web.stop()


def test_a_site_with_the_certificates_of_another_authority(company, tmp_path):
    port = scratch.free_port()
    made = company.init(tmp_path, port, scratch.free_port(), "--issuer", company.folder / "ca.pem",
                        "--link-certificate", company.folder / "link.pem", "--link-key", company.folder / "link.key")
    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "data/ca").exists() and not (tmp_path / "data/server.key").exists()
    checked = farpointd("check", tmp_path / "farpoint.toml")
    assert checked.returncode == 0 and "site CO1, 1 listeners: no mistakes" in checked.stdout
    with open(tmp_path / "log", "wb") as log:
        site = subprocess.Popen([farlab.BIN / "farpointd", "run", tmp_path / "farpoint.toml"], stdout=log, stderr=log)
    try:
        farlab.wait_for("the site", lambda: "is running" in (tmp_path / "log").read_text())

        def ask(name):
            own = tuple(str(company.folder / f"{name}.{kind}") for kind in ("pem", "key")) if name else None
            return requests.get(f"https://localhost:{port}/SMS_MP/.sms_aut?MPLIST", cert=own, verify=str(company.folder / "ca.pem"), timeout=20).status_code
        assert [ask(None), ask("laptop"), ask("lost"), ask("server")] == [403, 200, 403, 403]
        assert "revoked" in (tmp_path / "log").read_text()
    finally:
        site.terminate()
        site.wait(timeout=30)


@pytest.mark.parametrize("more, needle", [
    ([], "name the issuers of client certificates"),
    (["--issuer", "ca.pem", "--link-certificate", "link.pem"], "--link-certificate and --link-key go together"),
    (["--issuer", "none.pem"], "there is no file"),
    (["--issuer", "ca.pem", "--user", "nobody-here"], "there is no such user"),
    (["--issuer", "ca.pem", "--key", "laptop.key"], "is not the key of"),
])
def test_what_cannot_become_a_site_is_refused_and_leaves_nothing_behind(company, tmp_path, more, needle):
    words = [company.folder / word if word.endswith((".pem", ".key")) else word for word in more]
    if "--key" in more:
        made = farpointd("init", "--site-code", "CO1", "--data", tmp_path / "data", "--config", tmp_path / "farpoint.toml", "--internet-fqdn",
                         "localhost", "--internet-listen", "127.0.0.1:1", "--certificate", company.folder / "server.pem", *words)
    else:
        made = company.init(tmp_path, 1, 2, *words)
    assert made.returncode == 2 and needle in made.stderr, made.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_is_not_there_is_no_mistake_in_it():
    done = farpointd("check", "--config", "/nowhere/farpoint.toml")
    assert done.returncode == 2 and "/nowhere/farpoint.toml" in done.stderr and "mistake" not in done.stderr, done.stderr


def test_check_names_every_mistake_with_its_line(company, tmp_path):
    file = tmp_path / "farpoint.toml"
    lines = ["# a file with a mistake in nearly every line", "[site]", 'code = "FP"', 'data = "relative/folder"', "legacy_cms = 1", "[pki]",
             'issuers = ["/nowhere/root.pem"]', "[management_point]", 'conections = "both"', "[distribution_point]",
             "validate_every_h = 0", "[admin]", "port = 9443", "[[listener]]", "port = 443", 'door = "internet-https"',
             f'certificate = "{company.folder}/server.pem"', f'key = "{company.folder}/laptop.key"']
    file.write_text("\n".join(lines) + "\n")
    done = farpointd("check", "--config", file)
    assert done.returncode == 2 and done.stdout == ""
    for line, words in ((LINE_OF_CODE, "site.code: "), (4, "site.data: must be an absolute folder"), (5, "site.legacy_cms: must be true or false"),
                        (7, "pki.issuers: there is no file /nowhere/root.pem"), (9, "management_point.conections: no such setting"),
                        (11, "distribution_point.validate_every_h: must be a whole number from 1 to 8760"),
                        (13, "admin.certificate: the admin API is HTTPS only"), (18, "listener.key: "),
                        (2, "site.internet_fqdn: an internet listener needs the public name")):
        assert f"{file}:{line}: {words}" in done.stderr, (line, words, done.stderr)
    mistakes = [l for l in done.stderr.splitlines() if l.startswith(str(file))]
    assert f"{len(mistakes)} mistakes in the configuration" in done.stderr
    assert all(int(l.removeprefix(f"{file}:").split(":")[0]) > 0 for l in mistakes), mistakes
    run = farpointd("run", file)
    assert run.returncode == 2 and run.stderr == done.stderr


def test_a_relative_folder_counts_from_here_and_the_token_and_the_authority_are_said_to_be_there(tmp_path):
    made = subprocess.run([farlab.BIN / "farpointd", "init", "--site-code", "FP1", "--own-ca", "--data", "site", "--config", "farpoint.toml",
                           "--internet-fqdn", "localhost", "--internet-listen", "127.0.0.1:1", "--admin-listen", "127.0.0.1:2"],
                          cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
    assert f"export FARPOINT_CLI={tmp_path}/site/admin-cli.json" in made.stdout + made.stderr
    assert f'"{tmp_path}/site"' in (tmp_path / "farpoint.toml").read_text()
    checked = farpointd("check", tmp_path / "farpoint.toml")
    assert checked.returncode == 0, checked.stderr
    listed = [subprocess.run([farlab.BIN / "farpoint", "pki", "list", "--ca", tmp_path / folder], capture_output=True, text=True, check=False,
                             timeout=60) for folder in ("site/ca", "elsewhere")]
    assert [done.returncode == 0 for done in listed] == [True, False]
    assert "--ca" in listed[1].stderr


def test_check_says_what_it_cannot_read(tmp_path):
    missing = farpointd("check", tmp_path / "none.toml")
    assert missing.returncode == 2 and "none.toml" in missing.stderr
    broken = tmp_path / "broken.toml"
    broken.write_text('[site]\ncode = "FP1\n')
    assert f"{broken}:2: " in farpointd("check", broken).stderr


class TestServiceUser:
    """On a machine of its own, because a user is made there."""

    @pytest.fixture(scope="class")
    def host(self):
        with farlab.Lab() as lab:
            host = lab.host("site", "site.corp.test", lab.network("office", "10.77.6.0/24"), "10.77.6.10/24")
            for name in ("farpoint", "other"):
                host.run("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name)
            yield host

    def init(self, host, folder, *more, check=True):
        return host.run("farpointd", "init", "--site-code", "FP1", "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen",
                        "0.0.0.0:8443", "--data", f"{folder}/data", "--config", f"{folder}/etc/farpoint.toml", *more, check=check)

    def run_as(self, host, user, *command):
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", *command]

    def test_what_root_makes_belongs_to_the_user_of_the_service_and_runs_as_it(self, host):
        assert "belongs to the user farpoint" in self.init(host, "/srv/one").stdout
        owners = set(host.out("find", "/srv/one/data", "-printf", "%u\n").split())
        assert owners == {"farpoint"}
        keys = host.out("find", "/srv/one/data", "-name", "*.key", "-printf", "%m\n").split()
        assert keys and set(keys) == {"600"}
        assert host.out("stat", "-c", "%U:%G %a", "/srv/one/etc/farpoint.toml") == "root:farpoint 640"
        host.run(*self.run_as(host, "farpoint", "farpointd", "check", "/srv/one/etc/farpoint.toml"))
        host.start(*self.run_as(host, "farpoint", "farpointd", "run", "/srv/one/etc/farpoint.toml"), log="one.log")
        farlab.wait_for("the site to run as its user", lambda: "is running" in host.log("one.log"))
        site = host.out("farpoint", "site", env={"FARPOINT_CLI": "/srv/one/data/admin-cli.json"})
        assert "FP1" in site
        host.run("farpoint", "pki", "issue", "--ca", "/srv/one/data/ca", "--profile", "client", "--name", "pc", "--dns", "pc.corp.test", "--out", "/root/pc")
        assert set(host.out("find", "/srv/one/data", "-printf", "%u\n").split()) == {"farpoint"}

    def test_another_user_can_be_named(self, host):
        self.init(host, "/srv/two", "--user", "other")
        assert set(host.out("find", "/srv/two/data", "-printf", "%u\n").split()) == {"other"}
        stranger = host.run(*self.run_as(host, "farpoint", "cat", "/srv/two/data/keys/signing.key"), check=False)
        assert stranger.returncode != 0

    def test_a_key_that_the_user_cannot_read_is_refused_by_name(self, host):
        host.run("sh", "-c", "mkdir -p -m 700 /root/tls && cp /srv/one/data/server.pem /srv/one/data/server.key /root/tls/")
        refused = host.run("farpointd", "init", "--site-code", "FP1", "--intranet-fqdn", "site.corp.test", "--intranet-listen", "0.0.0.0:8443",
                           "--data", "/srv/three/data", "--config", "/srv/three/farpoint.toml", "--issuer", "/srv/one/data/ca/chain.pem",
                           "--certificate", "/root/tls/server.pem", "--key", "/root/tls/server.key", check=False)
        assert refused.returncode == 2 and "cannot be read by the user farpoint" in refused.stderr
        assert host.run("test", "-e", "/srv/three/data", check=False).returncode != 0
