"""Enrolment: a computer at home gets its certificate through the proxy point in the perimeter, keeps it renewed, and is one client all along;
programs of others (openssl and curl, strongSwan) speak to the same door; a real Samba domain vouches for accounts."""
import base64
import datetime
import json
import signal

import enrollment
import farlab
import publishing
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from directory import PASSWORD
from enrollment import POINT
from topology import DATA, HOME

EST = f"https://{POINT}/.well-known/est"


@pytest.fixture(scope="module")
def company():
    with enrollment.Enrollment() as made:
        made.short = made.token("--valid", "1m")  # it has ended when its test comes
        made.desk = made.at_home("desk")
        yield made


def evaluate(host, *what):
    done = host.run("farpoint-agent", "evaluate", *what, "--stderr", check=False, timeout=300)
    return done.stdout + done.stderr


def status(host):
    return json.loads(host.out("farpoint-agent", "status", "--json"))


def managed(company, host):
    """Its device, once it has policy and nothing to complain of."""
    farlab.wait_for(f"{host.name} to be managed", lambda: evaluate(host, "policy") and not status(host)["last problem"], 120)
    return company.device(host.name)


def request_by_openssl(host, name, folder="/root/est"):
    """Key and request as anybody makes them: base64 of DER with line breaks."""
    host.run("sh", "-ec", f"mkdir -p {folder}; cd {folder}; openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -subj /CN={name} "
                          f"-addext subjectAltName=DNS:{name} -outform DER -out request.der 2>/dev/null; openssl base64 -in request.der -out request.b64")
    return folder


def ask(host, folder, operation, *more):
    """(status, body) of an enrolment by curl."""
    code = host.out("curl", "-s", "-m", "60", "--cacert", "/etc/farpoint/root.pem", "-H", "Content-Type: application/pkcs10", "--data-binary",
                    f"@{folder}/request.b64", "-D", f"{folder}/head", "-o", f"{folder}/body", "-w", "%{http_code}", *more, f"{EST}/{operation}")
    return int(code), host.out("cat", f"{folder}/body", check=False)


def test_a_computer_at_home_enrols_with_a_token_and_is_managed(company):
    token = company.token("--name", "*.example.test")
    said = company.install(company.desk, secret=token["token"])
    assert "enrolled: CN=desk.example.test" in said, said
    held = "/etc/farpoint/certificates/enrolled.pem"
    assert company.desk.out("stat", "-c", "%a", held) == "600" and company.desk.read(held).count("BEGIN CERTIFICATE") == 2
    device = managed(company, company.desk)
    assert device["approval"] == "not_applicable" and device["pki"] and device["connection"] == "always_internet", device
    row = company.farpoint_json("enrollment", "list")[0]
    assert row["name"] == "desk.example.test" and row["via"] == "enroll.example.test" and row["by"] == f"token {token['id']}", row
    assert f"token {token['id']} enroll enrollment {row['serial']}" in company.audit()
    shown = next(t for t in company.farpoint_json("enrollment", "token", "list") if t["id"] == token["id"])
    assert shown["used"] == 1 and shown["state"] == "used up" and shown["last_used_by"] == "desk.example.test" and "token" not in shown, shown
    renewal = status(company.desk)["certificate renewal"]
    assert renewal.startswith("not yet") and POINT in renewal, renewal
    assert token["token"] not in company.desk.read("/etc/farpoint/agent.conf")
    for log in (company.site.log("farpointd.log"), company.door.log("farpointd.log"), company.desk.read("/var/log/farpoint/agent.log")):
        assert token["token"] not in log
    # The same command again asks for nothing.
    assert "no token was used" in company.install(company.desk, secret=token["token"])
    assert company.opened_inwards() == 0


def test_a_token_that_is_wrong_used_up_revoked_or_expired_is_refused_and_the_reason_audited(company):
    used, revoked = company.token(), company.token()
    company.farpoint("enrollment", "token", "revoke", revoked["id"])
    other = company.at_home("other")
    company.install(other, secret=used["token"])
    pc = company.at_home("pc")
    farlab.wait_for("a token to end", lambda: next(t for t in company.farpoint_json("enrollment", "token", "list") if t["id"] == company.short["id"])
                    ["state"] == "expired", 90)
    said = set()
    for secret, reason in (("fpe_" + "0" * 48, "no such token"), (used["token"], f"{used['id']} is used up"), (revoked["token"], f"{revoked['id']} is revoked"),
                           (company.short["token"], f"{company.short['id']} is expired")):
        words = company.install(pc, secret=secret, check=False)
        said.add(words)
        assert "was refused" in words and "nothing was changed" in words, words
        assert reason in company.audit().splitlines()[0], (reason, company.audit()[:500])
    assert len(said) == 1, said  # no word of the reason outside
    assert not company.device("pc") and pc.run("ls", "/etc/farpoint/certificates/enrolled.pem", check=False).returncode
    narrow = company.token("--name", "pc9.example.test")
    assert "is not a name that this token is good for" in company.install(pc, secret=narrow["token"], check=False)


def test_openssl_and_curl_enrol_and_renew_by_hand(company):
    host = company.desk
    folder = request_by_openssl(host, "byhand.example.test")
    assert ask(host, folder, "simpleenroll")[0] == 401
    assert "www-authenticate: basic" in host.read(f"{folder}/head").lower()
    code, body = ask(host, folder, "simpleenroll", "-u", f"anybody:{company.token()['token']}")
    assert code == 200 and "\n" not in body, body
    assert "content-type: application/pkcs7-mime; smime-type=certs-only" in host.read(f"{folder}/head").lower()
    host.run("sh", "-ec", f"cd {folder}; base64 -d body | openssl pkcs7 -inform DER -print_certs -out cert.pem; test -s cert.pem")
    host.run("curl", "-sf", "--cacert", "/etc/farpoint/root.pem", "-o", f"{folder}/ca.b64", f"{EST}/cacerts")
    host.run("sh", "-ec", f"cd {folder}; base64 -d ca.b64 | openssl pkcs7 -inform DER -print_certs -out ca.pem; "
                          "openssl verify -CAfile /etc/farpoint/root.pem -untrusted ca.pem cert.pem; cat cert.pem ca.pem > chain.pem; cp key.pem old.key")
    assert "sha256WithRSA" in host.out("sh", "-c", f"curl -sf --cacert /etc/farpoint/root.pem {EST}/csrattrs | base64 -d | openssl asn1parse -inform DER")
    own = ["--cert", f"{folder}/chain.pem", "--key", f"{folder}/old.key"]
    request_by_openssl(host, "byhand.example.test")
    assert ask(host, folder, "simplereenroll")[0] == 403
    code, body = ask(host, folder, "simplereenroll", *own)
    assert code == 200, body
    request_by_openssl(host, "somebody.example.test")
    assert ask(host, folder, "simplereenroll", *own)[0] == 403
    # What is no request is kept back in the perimeter.
    before = company.site.log("farpointd.log").count("refused")
    host.write(f"{folder}/request.b64", base64.b64encode(b"no request").decode())
    assert ask(host, folder, "simpleenroll", "-u", "x:fpe_y")[0] == 400
    assert ask(host, folder, "serverkeygen")[0] == 404
    assert host.out("curl", "-s", "--cacert", "/etc/farpoint/root.pem", "-o", "/dev/null", "-w", "%{http_code}",
                    f"https://{POINT}/EnrollmentServer/Discovery.svc") == "404"
    assert company.site.log("farpointd.log").count("refused") == before


def test_strongswan_enrols_and_renews(company):
    host = company.desk
    host.run("mkdir", "-p", "/root/swan")
    swan = ["--cacert", "/etc/farpoint/root.pem", "--outform", "pem"]

    def pki(*words):
        done = host.run("sh", "-c", 'cd /root/swan && out=$1 && shift && pki "$@" > "$out"', "sh", *words, check=False)
        assert done.returncode == 0, done.stderr
    pki("key.pem", "--gen", "--type", "rsa", "--size", "2048", "--outform", "pem")
    pki("request.der", "--req", "--in", "key.pem", "--type", "rsa", "--dn", "CN=swan.example.test", "--san", "swan.example.test")
    pki("ca.der", "--estca", "--url", f"https://{POINT}", *swan)
    pki("cert.pem", "--est", "--url", f"https://{POINT}", "--in", "request.der", "--userpass", f"swan:{company.token()['token']}", *swan)
    assert "CN = swan.example.test" in host.out("openssl", "x509", "-in", "/root/swan/cert.pem", "-noout", "-subject")
    assert company.farpoint_json("enrollment", "list")[0]["name"] == "swan.example.test"


def test_an_account_of_the_domain_enrols_and_a_wrong_password_does_not(company):
    host = company.desk
    folder = request_by_openssl(host, "alices.example.test")
    for user in ("alice@CORP.TEST", "CORP\\alice", "alice"):
        code, body = ask(host, folder, "simpleenroll", "-u", f"{user}:{PASSWORD}")
        assert code == 200, (user, body, company.site.log("farpointd.log")[-2000:])
    assert "account alice@CORP.TEST enroll" in company.audit()
    assert ask(host, folder, "simpleenroll", "-u", "alice@CORP.TEST:wrong")[0] == 401
    line = company.audit().splitlines()[0]
    assert "nobody refuse" in line and "account alice@corp.test" in line and PASSWORD not in company.audit(), line
    assert ask(host, folder, "simpleenroll", "-u", f"alice@OTHER.TEST:{PASSWORD}")[0] == 401
    assert PASSWORD not in company.site.log("farpointd.log") + company.door.log("farpointd.log")


def old_certificate(company, name):
    """A client certificate by the site's own authority whose life is nearly over, with its key: as after most of a year."""
    issuer = x509.load_pem_x509_certificate(company.site.read(f"{DATA}/ca/issuing.pem").encode())
    issuing_key = serialization.load_pem_private_key((company.site.read(f"{DATA}/ca/issuing.key") + "\n").encode(), None)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.timezone.utc)
    sample = x509.load_pem_x509_certificate(company.site.read("/root/door-server/enroll.pem").encode())
    builder = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])).issuer_name(issuer.subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=300)).not_valid_after(now + datetime.timedelta(days=30))
               .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
               .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2")]), False)
               .add_extension(x509.KeyUsage(True, False, True, False, False, False, False, False, False), True)
               .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing_key.public_key()), False))
    lists = sample.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    made = builder.add_extension(lists.value, False).sign(issuing_key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return made, pem + company.site.read(f"{DATA}/ca/issuing.pem") + "\n", secret


def hexadecimal(number):
    text = f"{number:X}"
    return text if len(text) % 2 == 0 else "0" + text


def held_serial(host, file="old.pem"):
    return host.out("openssl", "x509", "-in", f"/etc/farpoint/certificates/{file}", "-noout", "-serial").split("=")[1]


def test_a_certificate_is_renewed_at_home_before_it_ends_and_the_client_stays_the_same(company):
    laptop = company.at_home("notebook")
    old, chain, key = old_certificate(company, "notebook.example.test")
    laptop.write("/etc/farpoint/certificates/old.pem", chain, 0o600)
    laptop.write("/etc/farpoint/certificates/old.key", key, 0o600)
    company.install(laptop)
    before = managed(company, laptop)
    farlab.wait_for("the renewal", lambda: evaluate(laptop, "policy") and held_serial(laptop) != hexadecimal(old.serial_number), 120)
    fresh = x509.load_pem_x509_certificate(laptop.read("/etc/farpoint/certificates/old.pem").encode())
    assert fresh.public_key() != old.public_key() and fresh.not_valid_after > old.not_valid_after
    after = farlab.wait_for("the same client under its new key", lambda: managed(company, laptop) and "comes with a renewed certificate" in
                            company.farpoint("events") and company.device("notebook"), 120)
    assert after["client_id"] == before["client_id"] and not after["conflict"]
    assert [d["name"].lower() for d in company.farpoint_json("device", "list")].count("notebook") == 1
    why = laptop.out("farpoint-agent", "why", "certificate")
    assert "verdict=renewed" in why and hexadecimal(fresh.serial_number) in why, why
    assert f"certificate {hexadecimal(old.serial_number)} renew enrollment {hexadecimal(fresh.serial_number)}" in company.audit()
    # The old one is nobody's any more, whoever has kept it.
    laptop.write("/root/kept.pem", chain)
    laptop.write("/root/kept.key", key, 0o600)
    folder = request_by_openssl(laptop, "notebook.example.test")
    code, body = ask(laptop, folder, "simplereenroll", "--cert", "/root/kept.pem", "--key", "/root/kept.key")
    assert code == 403 and "was renewed before" in body, body
    assert company.opened_inwards() == 0


def test_a_blocked_client_and_a_revoked_certificate_are_not_renewed(company):
    desk = company.desk
    serial = held_serial(desk, "enrolled.pem")
    company.farpoint("device", "block", "desk", "--reason", "lost")
    said = evaluate(desk, "certificate")
    assert held_serial(desk, "enrolled.pem") == serial, said
    folder = request_by_openssl(desk, "desk.example.test")
    own = ["--cert", "/etc/farpoint/certificates/enrolled.pem", "--key", "/etc/farpoint/certificates/enrolled.pem"]
    code, body = ask(desk, folder, "simplereenroll", *own)
    assert code == 403 and "blocked" in body, body
    company.farpoint("device", "unblock", "desk")
    managed(company, desk)
    evaluate(desk, "certificate")
    assert held_serial(desk, "enrolled.pem") != serial  # asked for, it is renewed before its time
    managed(company, desk)
    company.site.run("farpoint", "pki", "revoke", "--ca", f"{DATA}/ca", held_serial(desk, "enrolled.pem"))
    company.publish_lists()
    for host in (company.site, company.door):
        host.run("sh", "-c", "kill -HUP $(pidof farpointd)")
    code, body = farlab.wait_for("the list to be read", lambda: (answer := ask(desk, folder, "simplereenroll", *own))[0] == 403 and answer)
    assert "revoked" in body, body


def test_the_door_in_the_perimeter_holds_nothing_and_waits_for_the_site(company):
    top = company.door.storage / "upper"
    held = {f"/{p.relative_to(top)}": p.read_bytes() for p in top.rglob("*") if p.is_file() and not p.is_symlink()}
    assert not [p for p, data in held.items() if data.startswith(b"SQLite format 3") or "/ca/" in p or "site.db" in p]
    keys = [company.site.read(f"{DATA}/{path}").splitlines()[1] for path in ("ca/issuing.key", "ca/root.key", "keys/signing.key", "link.key")]
    assert not [p for p, data in held.items() for key in keys if key.encode() in data]
    assert "no mistakes" in company.door.out("farpointd", "check")
    assert company.desk.out("curl", "-s", "--cacert", "/etc/farpoint/root.pem", "-o", "/dev/null", "-w", "%{http_code}", f"https://{POINT}/SMS_MP/.sms_aut?MPLIST") == "404"
    company.site.stop(company.daemon, signal.SIGKILL)
    folder = request_by_openssl(company.desk, "late.example.test")
    code, _ = ask(company.desk, folder, "simpleenroll", "-u", "x:fpe_y")
    assert code == 503 and "retry-after" in company.desk.read(f"{folder}/head").lower()
    company.start_site()
    farlab.wait_for("the site link", lambda: company.door_state().startswith("open"))
    assert company.opened_inwards() == 0


def test_a_management_point_in_the_perimeter_may_be_the_door_too(company):
    url = "https://mp.example.test:8443/.well-known/est/cacerts"

    def asked():
        return company.desk.out("curl", "-s", "--cacert", "/etc/farpoint/root.pem", "-o", "/dev/null", "-w", "%{http_code}", url)
    assert asked() == "404"
    text = company.front.read("/etc/farpoint/farpoint.toml")
    at = text.index("[link]")
    company.front.write("/etc/farpoint/farpoint.toml", text[:at] + '[enrollment_proxy_point]\nconnections = "internet"\n\n' + text[at:] + "\n", 0o640)
    company.front.stop(company.front.daemon)
    company.start_front()
    company.linked()
    assert asked() == "403"  # the site has not been told
    company.farpoint("enrollment", "proxy", "add", "mp.example.test")
    farlab.wait_for("the site to let it", lambda: asked() == "200")
    company.farpoint("enrollment", "proxy", "remove", "mp.example.test")
    farlab.wait_for("the site to let it no more", lambda: asked() == "403")
    assert company.opened_inwards() == 0


@pytest.fixture(scope="module")
def published():
    class Enrolling(publishing.Published):
        def _pin(self):
            super()._pin()
            self.change_configuration(self.site, "[[listener]]\n", '[enrollment]\nenabled = true\n\n[enrollment_proxy_point]\nconnections = "internet"\n\n[[listener]]\n')
    with Enrolling() as made:
        yield made


def test_a_mobile_device_is_internet_only_refused_behind_a_bridge_and_served_through_a_tunnel(published):
    company = published
    phone = company.lab.host("phone", "phone.home.test", company.lab.networks[HOME], "192.168.7.90/24")
    phone.copy_from(company.site, f"{DATA}/ca/root.pem", "/etc/farpoint/root.pem")
    phone.copy_from(company.site, f"{DATA}/keys/signing.pem", "/etc/farpoint/site-signing.pem")
    token = company.farpoint_json("enrollment", "token", "create", "--kind", "mobile")["token"]
    install = ["farpoint-agent", "install", "SMSSITECODE=FP1", "CCMHOSTNAME=mp.example.test:8443", "ENROLLMENTPROXYPOINT=mp.example.test:8443",
               "/UsePKICert", "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
               "/etc/farpoint/root.pem", "DOMAIN=home.test", "--enroll", "--enrollment-token-file", "-"]
    company.publish("nginx", "bridge")
    refused = phone.run(*install, stdin=token + "\n", check=False)
    assert refused.returncode and "nothing was changed" in refused.stderr, refused.stderr
    assert not company.farpoint_json("enrollment", "list")  # a token does not pass a bridge
    company.publish("nginx", "tunnel")
    said = phone.run(*install, stdin=token + "\n").stderr
    assert "enrolled as a mobile device: this client is internet-only" in said, said
    assert "CCMALWAYSINF=1" in phone.read("/etc/farpoint/agent.conf")
    assert "OU = Mobile Devices" in phone.out("openssl", "x509", "-in", "/etc/farpoint/certificates/enrolled.pem", "-noout", "-subject")
    company.publish("nginx", "bridge")
    phone.run("farpoint-agent", "evaluate", "policy", check=False, timeout=240)
    assert not company.device("phone")
    assert "mobile devices are not served through SSL bridging" in company.site.log("farpointd.log")
    company.publish("nginx", "tunnel")
    farlab.wait_for("the phone to be managed", lambda: not phone.run("farpoint-agent", "evaluate", "policy", check=False, timeout=240).returncode
                    and company.device("phone") and not json.loads(phone.out("farpoint-agent", "status", "--json"))["last problem"], 120)
    assert company.device("phone")["connection"] == "always_internet", company.device("phone")
    # "Mobile devices must have a direct internet connection."
    again = install[:-3]
    refused = phone.run(*again, "--proxy", "http://proxy.home.test:3128", check=False)
    assert refused.returncode and "a mobile device must have a direct internet connection" in refused.stderr and "nothing was changed" in refused.stderr, refused
    phone.run("env", "HTTPS_PROXY=http://127.0.0.1:1", "farpoint-agent", "evaluate", "policy", timeout=240)
    why = phone.out("farpoint-agent", "why", "proxy")
    assert "a mobile device must have a direct internet connection: not used is http://127.0.0.1:1 (from the environment)" in why, why
    said = phone.run(*again, "--reinstall").stderr  # its certificate says what it is, without another enrolment too
    assert "enrolled as a mobile device: this client is internet-only" in said and "CCMALWAYSINF=1" in phone.read("/etc/farpoint/agent.conf"), said
