"""The site behind a web proxy: SSL bridging and SSL tunnelling with the configurations that `farpoint publish` writes, in real
nginx and real HAProxy, for computers at home."""
import hashlib
import hmac
import json
import re
import time
import uuid

import authority
import farlab
import publishing
import pytest
from publishing import DATA, FOLDER
from topology import HOME

CHUNK = 1 << 20
SIZE = 20
SEEN = 8 * CHUNK  # how often the agent writes down how far it came
WAYS = {
    "nginx bridge": ("nginx", "bridge"),
    "nginx bridge strict": ("nginx", "bridge", "--strict"),
    "haproxy bridge": ("haproxy", "bridge"),
    "haproxy bridge strict": ("haproxy", "bridge", "--strict"),
    "nginx tunnel": ("nginx", "tunnel"),
    "haproxy tunnel with PROXY protocol": ("haproxy", "tunnel", "--proxy-protocol"),
}
MP_VERBS = ("HEAD", "GET", "PROPFIND", "CCM_POST", "BITS_POST")
BRIDGES = [words for words in WAYS.values() if words[1] == "bridge"]
LIST = "https://mp.example.test:8443/SMS_MP/.sms_aut?MPLIST"


@pytest.fixture(scope="module")
def company():
    with publishing.Published() as made:
        made.content = deploy(made, "lab-parcel", SIZE)
        farlab.wait_for("what the site delivers", lambda: "capability_key" in made.edge.read(f"{DATA}/trust.json"))
        made.pc = made.at_home("desk")  # for questions of all kinds
        made.pc.run("farpoint-agent", "evaluate", "policy", timeout=240)
        collection = made.farpoint_json("collection", "show", "SMS00001")
        collection["variables"] = [{"name": "Door", "value": "s3cret-code", "secret": True}]
        made.site.write("/root/all.json", json.dumps(collection))
        api(made, "/collections/SMS00001", "-X", "PUT", "-H", "Content-Type: application/json", "-d", "@/root/all.json")
        yield made


def api(company, path, *more):
    token = json.loads(company.site.read(f"{DATA}/admin-cli.json"))
    return company.site.out("curl", "-sf", "--cacert", token["ca_file"], "-H", f"Authorization: Bearer {token['token']}", *more,
                            f"{token['server']}/admin/v1{path}")


def deploy(company, package, megabytes):
    deb = company.make_package(package, "1.0", megabytes)
    company.farpoint("app", "create", "--deb", deb, "--name", package)
    content = company.farpoint_json("app", "show", package)["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok")
    company.farpoint("deploy", package, "--to", "All Systems", "--purpose", "required")
    return content


def slowly(company, on):
    device = next(iter(company.edge.links.values()))[0]
    farlab.sh("ip", "netns", "exec", company.edge.namespace, "tc", "qdisc", "replace" if on else "del", "dev", device, "root",
              *(["tbf", "rate", "24mbit", "burst", "64kb", "latency", "400ms"] if on else []))


def done_so_far(host, least):
    downloads = json.loads(host.out("farpoint-agent", "status", "--json")).get("downloads", [])
    done = max((d["bytes_done"] for d in downloads), default=0)
    return done if done >= least else 0


def began_at(company, host):
    return [int(n) for n in re.findall(r"goes on at byte (\d+)", company.agent_log(host))]


def cut(company, host, work):
    """In the middle of its work the laptop loses the line, is closed, and is opened again."""
    home = company.lab.networks[HOME]
    host.unplug(home)
    host.stop(work)
    host.plug(home, host.link)


def begin_download(company, host, least=SEEN):
    """The agent at work, in the middle of its download; (process, bytes that are there)."""
    slowly(company, True)
    work = host.start("farpoint-agent", "worker", "--force", log="worker.log")
    return work, farlab.wait_for("a part of the download", lambda: done_so_far(host, least), 90)


def go_on(host, package):
    """What the resident part does from time to time, at once."""
    host.run("farpoint-agent", "worker", "--force", timeout=240)
    return "install ok installed" in host.run("dpkg-query", "-W", "-f", "${Status}", package, check=False).stdout


# --- what publish writes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", [*WAYS.values(), ("nginx", "tunnel", "--proxy-protocol"), ("haproxy", "tunnel")], ids=" ".join)
def test_what_publish_writes_passes_the_proxys_own_check(company, way):
    said = company.write_configuration(*way)
    assert "is successful" in said if way[0] == "nginx" else "is valid" in said and "WARNING" not in said, said
    text = company.gate.read(f"{FOLDER}/" + ("nginx.conf" if way[0] == "nginx" else "haproxy.cfg"))
    assert ("CCM_POST" in text) == (way[1] == "bridge") and ("proxy.pem" in text) == (way[1] == "bridge")


def test_publish_refuses_what_cannot_work(company):
    def refused(*words):
        done = company.site.run("farpoint", "publish", *words, check=False)
        assert done.returncode == 2, done.stderr
        return done.stderr
    assert "sees neither certificates nor headers" in refused("--for", "nginx", "--mode", "tunnel", "--strict", "--out", "/root/x")
    assert "--proxy-protocol is for --mode tunnel" in refused("--for", "nginx", "--proxy-protocol", "--out", "/root/x")
    assert "name it with --backend dp.example.test=" in refused("--for", "nginx", "--mode", "tunnel", "--proxy-protocol", "--out", "/root/x")
    assert "not NAME=HOST:PORT" in refused("--for", "nginx", "--backend", "x=y;z:1", "--out", "/root/x")


def test_the_host_of_a_distribution_point_may_pin_a_proxy_and_check_agrees(company):
    assert "no mistakes" in company.edge.out("farpointd", "check") and "no mistakes" in company.site.out("farpointd", "check")
    text = company.edge.read("/etc/farpoint/farpoint.toml").replace(f'data = "{DATA}"', 'data = "/var/lib/fresh"')
    company.edge.write("/root/fresh.toml", text)
    assert "refused until the site has delivered" in company.edge.out("farpointd", "check", "/root/fresh.toml")
    told = farlab.wait_for("what the site delivers", lambda: company.edge.read(f"{DATA}/trust.json"))
    assert "bridged requests are served" in company.edge.out("farpointd", "check")
    assert company.edge.out("stat", "-c", "%a", f"{DATA}/trust.json") == "600"
    secret = bytes.fromhex(company.site.out("sh", "-c", f"od -An -v -tx1 {DATA}/keys/capability.secret | tr -d ' \\n'"))
    own = hmac.new(secret, b"farpoint-capability-key-v1\ndp.example.test\n", hashlib.sha256).hexdigest()
    assert json.loads(told)["capability_key"] == own and secret.hex() not in told


# --- the whole life of a computer at home --------------------------------------------------------------------------
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "-"))
def test_a_laptop_at_home_is_managed_through_it(company, way):
    company.publish(*WAYS[way])
    host = company.at_home("pc" + str(list(WAYS).index(way)))
    work, before = begin_download(company, host)
    cut(company, host, work)
    slowly(company, False)
    farlab.wait_for("the package", lambda: go_on(host, "lab-parcel"), 90)
    assert max(began_at(company, host)) >= before - CHUNK
    assert host.out("sqlite3", "/var/lib/farpoint-agent/agent.db",
                    "select count(*) from policies where flags & 4 and length(body) > 0 and instr(body, 'Door')") == "1"
    noise = host.out("sh", "-c", "head -c 96000 /dev/urandom | od -An -v -tx1 -w24 | tr -d ' '").split()
    host.write("/tmp/noise", "".join(f"Package: lab-noise-{word}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x\n\n"
                                     for word in noise))
    host.run("sh", "-c", "cat /tmp/noise >> /var/lib/dpkg/status")
    host.run("farpoint-agent", "evaluate", "all", timeout=240)
    assert "bytes uploaded" in company.agent_log(host)
    assert "lab-noise-" + noise[-1] in company.farpoint("device", "inventory", host.name, "--class", "LINUX_PACKAGE", "--json")
    device = company.device(host.name)
    states = farlab.wait_for("the report", lambda: [s for s in json.loads(api(company, "/deployments/lab-parcel/states?limit=1000"))["items"]
                                                   if s["client_id"] == device["client_id"] and s["state"] // 1000 == 1])
    assert states and device["connection"] in ("always_internet", "currently_internet")
    tunnel = WAYS[way][1] == "tunnel"
    assert device["last_address"] == ("203.0.113.77" if "PROXY" in way else publishing.GATE) and device["pki"]
    assert bool(device["tls_fingerprint"]) == tunnel  # a bridge shows its own certificate, and that is nobody's


@pytest.mark.parametrize("way", BRIDGES, ids=" ".join)
def test_the_bridge_lets_through_the_verbs_of_each_role_and_no_other(company, way):
    company.publish(*way)
    host = company.pc
    company.site.run("sh", "-c", f"mkdir -p {DATA}/client && echo a client file > {DATA}/client/setup.txt")
    mp, content = "https://mp.example.test:8443", f"https://dp.example.test/{capability(company, host)}"

    def ask(verb, url, *more):
        return company.curl(host, url, *(["-I"] if verb == "HEAD" else ["-X", verb]), *more)[0]

    def arrived(verb):
        return len(re.findall(f" {verb} /", company.site.log("farpointd.log")))
    package = f"{content}/lab-parcel_1.0_all.deb"
    answers = {"HEAD": (200, 200), "GET": (200, 206), "PROPFIND": (207, 207), "CCM_POST": (400, 405), "BITS_POST": (501, 405),
               "POST": (405, 405), "PUT": (405, 405), "DELETE": (405, 405), "OPTIONS": (405, 405)}
    before = {verb: arrived(verb) for verb in answers}
    for verb, (at_mp, at_dp) in answers.items():
        assert ask(verb, package, "-r", "0-7") == at_dp, verb
    for verb, (at_mp, at_dp) in reversed(answers.items()):
        assert ask(verb, f"{mp}/CCM_Client/setup.txt") == at_mp, verb
    # What the role has no use for, asked before, does not even come as far as the site.
    farlab.wait_for("the verbs of the role at the site", lambda: all(arrived(verb) > before[verb] for verb in MP_VERBS))
    assert {verb for verb in answers if arrived(verb) > before[verb]} == set(MP_VERBS)
    assert ask("PROPFIND", f"{mp}/CCM_Client") == 207 and ask("PROPFIND", content) == 207
    assert ask("HEAD", LIST) == 200 and ask("GET", LIST) == 200 and ask("PROPFIND", LIST) == 405
    assert ask("CCM_POST", f"{mp}/ccm_system/request") == 400
    assert ask("BITS_POST", f"{mp}/CCM_Incoming/{uuid.uuid4()}", "-H", "BITS-Packet-Type: Nothing", "--data-binary", "", "-D", "/tmp/head") == 400
    assert "bits-error" in host.read("/tmp/head").lower()  # so says the management point itself
    assert ask("GET", f"{mp}/farpoint/dp/v1/status") == 404
    assert ask("GET", "https://dp.example.test/farpoint/dp/v1/status") == 404
    assert ask("GET", "https://dp.example.test/SMS_MP/.sms_aut?MPLIST") == 404
    assert ask("GET", LIST, "-H", "Host: dp.example.test") == 421
    host.run("sh", "-c", "head -c 9000000 /dev/zero > /tmp/big")
    assert ask("CCM_POST", f"{mp}/ccm_system/request", "--data-binary", "@/tmp/big") == 413


def capability(company, host, lasting_s=600, dp="dp.example.test", path=""):
    """What the management point writes into a location, made here from the key that the site delivered."""
    key = bytes.fromhex(json.loads(company.edge.read(f"{DATA}/trust.json"))["capability_key"])
    expiry, client = int(time.time()) + lasting_s, company.device(host.name)["client_id"]
    mac = hmac.new(key, f"farpoint-content-capability-v1\n{company.content}\n{client}\n{expiry}\n".encode(), hashlib.sha256).hexdigest()
    return f"SMS_DP_SMSPKG$/.cap-{expiry}-{client.split(':')[1]}-{mac}/{company.content}{path}"


@pytest.mark.parametrize("way", BRIDGES, ids=" ".join)
def test_content_comes_for_a_capability_and_a_range_and_never_without(company, way):
    company.publish(*way)
    host, product = company.pc, way[0]
    url = f"https://dp.example.test/{capability(company, host)}/lab-parcel_1.0_all.deb"
    # Another version would come whole; a strict proxy takes the header out, and with it the question.
    assert company.curl(host, url, "-r", "0-7", "-H", "If-Range: \"nonsense\"", "-o", "/dev/null")[0] == (206 if "--strict" in way else 200)
    status, body = company.curl(host, url, "-r", "0-7", "-D", "/tmp/head")
    assert status == 206 and body == "!<arch>\n"
    assert "content-range: bytes 0-7/" in host.read("/tmp/head").lower() and 'etag: "' in host.read("/tmp/head").lower()
    assert company.curl(host, url.replace(company.content, "FP100000.9"))[0] == 403
    assert company.curl(host, f"https://dp.example.test/SMS_DP_SMSPKG$/{company.content}/lab-parcel_1.0_all.deb")[0] == 403
    assert company.curl(host, f"https://dp.example.test/{capability(company, host, -1)}/lab-parcel_1.0_all.deb")[0] == 403
    log = company.gate.read("/var/log/nginx/access.log") if product == "nginx" else company.gate.log("proxy.log")
    assert "/.cap-..." in log and not re.search(r"\.cap-\d", log)


@pytest.mark.parametrize("way", BRIDGES, ids=" ".join)
def test_a_blocked_device_gets_nothing_more_through_the_bridge(company, way):
    company.publish(*way)
    host = company.at_home(f"thief{BRIDGES.index(way)}")
    host.run("farpoint-agent", "evaluate", "policy", timeout=240)
    url = f"https://dp.example.test/{capability(company, host)}/lab-parcel_1.0_all.deb"
    assert company.curl(host, url, "-r", "0-7")[0] == 206
    company.farpoint("device", "block", host.name, "--reason", "stolen")
    # First the distribution point on the other host hears of it, then the proxy by its timer.
    farlab.wait_for("the edge to know", lambda: company.curl(host, url, "-r", "0-7")[0] == 403)
    assert "is blocked" in company.edge.log("farpointd.log")
    assert company.curl(host, LIST)[0] == 200  # for everybody who comes through the proxy
    assert "denied" in company.refresh()
    farlab.wait_for("the proxy to know", lambda: company.curl(host, LIST)[0] == 403)
    assert company.curl(company.pc, LIST)[0] == 200
    assert company.refresh() == "unchanged"
    # And not past the proxy either, at the distribution point itself.
    company.lead(False)
    assert company.curl(host, f"https://dp.example.test/SMS_DP_SMSPKG$/{company.content}/lab-parcel_1.0_all.deb", "-r", "0-7")[0] == 403
    company.farpoint("device", "unblock", host.name)
    farlab.wait_for("the edge to know", lambda: company.curl(
        host, f"https://dp.example.test/SMS_DP_SMSPKG$/{company.content}/lab-parcel_1.0_all.deb", "-r", "0-7")[0] == 206)


@pytest.mark.parametrize("way", BRIDGES, ids=" ".join)
def test_certificates_that_are_no_good_end_at_the_proxy(company, way, tmp_path):
    company.publish(*way)
    host, leaver = company.pc, f"leaver{BRIDGES.index(way)}"
    before = company.site.log("farpointd.log").count("GET /CCM_Client/refused 404")
    foreign = authority.Authority(tmp_path, "foreign", "")
    foreign.issue("stranger")
    for kind in ("pem", "key"):
        host.write(f"/root/stranger.{kind}", (tmp_path / f"stranger.{kind}").read_bytes(), 0o600)
    issue_expired(company, host)
    assert company.curl(host, LIST)[0] == 200
    refused = "https://mp.example.test:8443/CCM_Client/refused"
    for bad in ("/root/stranger", "/root/late", ""):
        assert company.curl(host, refused, certificate=bad)[0] == 403, bad
    made = json.loads(company.site.out("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--name", leaver, "--out", "/root/leaver", "--json"))
    for kind in ("pem", "key"):
        host.copy_from(company.site, f"/root/leaver/{leaver}.{kind}", f"/root/leaver.{kind}", 0o600)
    assert company.curl(host, LIST, certificate="/root/leaver")[0] == 200
    company.site.run("farpoint", "pki", "revoke", "--ca", f"{DATA}/ca", made["serial"])
    company.site.run("sh", "-c", "kill -HUP $(pgrep -o -x farpointd)")
    farlab.wait_for("the new list", lambda: "revoked.pem" in company.refresh())
    farlab.wait_for("the proxy to know", lambda: company.curl(host, LIST, certificate="/root/leaver")[0] == 403)
    assert company.curl(host, refused, certificate="/root/leaver")[0] == 403
    assert company.curl(host, refused)[0] == 404
    farlab.wait_for("the good one's request at the site",
                    lambda: company.site.log("farpointd.log").count("GET /CCM_Client/refused 404") > before)
    assert "GET /CCM_Client/refused 403" not in company.site.log("farpointd.log")


def issue_expired(company, host):
    """A certificate of the site's own authority that ended yesterday."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    issuer = x509.load_pem_x509_certificate(company.site.read(f"{DATA}/ca/issuing.pem").encode())
    key = serialization.load_pem_private_key(company.site.read(f"{DATA}/ca/issuing.key").encode(), None)
    own = authority.key_named("late")
    certificate = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "late")]))
                   .issuer_name(issuer.subject).public_key(own.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(authority.now() - 9 * authority.DAY).not_valid_after(authority.now() - authority.DAY)
                   .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False).sign(key, hashes.SHA256()))
    chain = certificate.public_bytes(serialization.Encoding.PEM) + issuer.public_bytes(serialization.Encoding.PEM)
    host.write("/root/late.pem", chain, 0o600)
    host.write("/root/late.key", authority.pem_of_key(own), 0o600)


@pytest.mark.parametrize("way", BRIDGES, ids=" ".join)
def test_from_direct_to_bridge_to_tunnel_a_download_loses_a_chunk_at_most(company, way):
    company.take_down()
    company.lead(False)
    number = BRIDGES.index(way)
    host, package = company.at_home(f"traveller{number}"), f"lab-crate{number}"
    farlab.wait_for("what is there already", lambda: all([go_on(host, old) for old in ("lab-parcel", *(f"lab-crate{n}" for n in range(number)))]))
    deploy(company, package, 36)
    loads = []
    for through in (way, ("haproxy" if way[0] == "nginx" else "nginx", "tunnel")):
        work, before = begin_download(company, host, SEEN * (1 + len(loads)))
        loads.append(before)
        company.publish(*through)
        cut(company, host, work)
    slowly(company, False)
    farlab.wait_for("the package", lambda: go_on(host, package), 90)
    marks = sorted(began_at(company, host))
    for before in loads:
        assert any(mark >= before - CHUNK for mark in marks), (loads, marks)


# --- what a proxy is not -------------------------------------------------------------------------------------------
def test_a_proxy_that_is_not_pinned_is_no_client(company):
    company.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "proxy", "--name", "mp.example.test", "--dns",
                     "mp.example.test", "--dns", "dp.example.test", "--out", "/root/other-gate")
    host = company.pc
    for kind in ("pem", "key"):
        host.copy_from(company.site, f"/root/other-gate/mp.{kind}", f"/root/proxy.{kind}", 0o600)
        host.copy_from(company.site, f"/root/gate/mp.{kind}", f"/root/pinned.{kind}", 0o600)
    company.take_down()
    company.lead(False)
    status, said = company.curl(host, LIST, certificate="/root/proxy")
    assert status == 403
    assert "a proxy web server's certificate. Pin " in company.site.log("farpointd.log")
    content = f"https://dp.example.test/SMS_DP_SMSPKG$/{company.content}/lab-parcel_1.0_all.deb"
    assert company.curl(host, content, certificate="/root/proxy")[0] == 403
    # The pinned one gets the open lists and nothing that is a client's.
    assert company.curl(host, LIST, certificate="/root/pinned")[0] == 200
    assert company.curl(host, content, certificate="/root/pinned")[0] == 403
    # No header makes anybody of it.
    claim = company.device(company.pc.name)["client_id"]
    assert company.curl(host, content, "-H", f"X-Client-ID: {claim}", "-H", "X-SSL-Client-Verify: SUCCESS", certificate="/root/pinned")[0] == 403


# As an administrator might write it who has not read the page: TLS in front or not, TLS behind or not.
WRONG_NGINX = """events {{}}
http {{
  server {{
    listen 8443 {front};
    ssl_certificate {folder}/proxy.pem; ssl_certificate_key {folder}/proxy.key;
    location / {{
      proxy_pass {scheme}://site.corp.test:{port}; proxy_http_version 1.1; {headers}
      proxy_ssl_certificate {folder}/proxy.pem; proxy_ssl_certificate_key {folder}/proxy.key; proxy_ssl_name mp.example.test;
    }}
  }}
}}
"""
WRONG_HAPROXY = """defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend clients
  bind :8443 {front}
  {headers}
  default_backend site
backend site
  server site site.corp.test:{port} {behind}
"""


def wrong_bridge(product, tls_in_front, tls_behind, port, headers):
    if product == "nginx":
        return WRONG_NGINX.format(front="ssl" if tls_in_front else "", scheme="https" if tls_behind else "http", port=port, folder=FOLDER,
                                  headers="".join(f"proxy_set_header {name} {value};" for name, value in headers.items()))
    return WRONG_HAPROXY.format(front=f"ssl crt {FOLDER}/proxy.pem" if tls_in_front else "", port=port,
                                behind=f"ssl crt {FOLDER}/proxy.pem verify none sni str(mp.example.test)" if tls_behind else "",
                                headers="\n  ".join(f"http-request set-header {name} {value}" for name, value in headers.items()))


@pytest.mark.parametrize("product", ["nginx", "haproxy"])
@pytest.mark.parametrize("front,behind,port,headers,status,reason", [
    (True, False, 80, {"Host": "mp.example.test:8443"}, 403,
     "bridging from HTTPS to HTTP is not supported: mp.example.test is served over HTTPS only"),
    (True, False, 80, {"Host": "site.corp.test", "X-Forwarded-Proto": "https"}, 403, "bridging from HTTPS to HTTP is not supported: a proxy says"),
    (True, False, 8443, {}, 400, "bridging from HTTPS to HTTP, or from HTTP to HTTPS, is not supported"),
    (False, True, 8443, {"X-Forwarded-Proto": "http"}, 403, "bridging from HTTP to HTTPS is not supported"),
], ids=["by-name", "by-what-it-says", "to-the-tls-port", "plain-in-front"])
def test_bridging_between_http_and_https_is_refused_by_name(company, product, front, behind, port, headers, status, reason):
    company.take_down()
    company.write_configuration(product, "bridge")
    file = f"{FOLDER}/" + ("nginx.conf" if product == "nginx" else "haproxy.cfg")
    company.gate.write(file, wrong_bridge(product, front, behind, port, headers))
    before = len(company.site.log("farpointd.log"))
    command = ["nginx", "-c", file, "-g", "daemon off;"] if product == "nginx" else ["haproxy", "-W", "-f", file]
    company.proxy = company.gate.start(*command, log="proxy.log")
    farlab.wait_for(product, lambda: ":8443 " in company.gate.out("ss", "-Hltn"))
    company.lead(True)
    found, said = company.curl(company.pc, LIST if front else LIST.replace("https", "http", 1))
    assert found == status and reason in said, said
    log = company.site.log("farpointd.log")[before:]
    assert reason in log if status == 403 else "plain HTTP on HTTPS port 8443" in log
    company.gate.stop(company.proxy)
    company.proxy = None
    farlab.wait_for("the port to be free", lambda: ":8443 " not in company.gate.out("ss", "-Hltn"))


# --- smuggling -----------------------------------------------------------------------------------------------------
INNER = "GET /CCM_Client/smuggled-{n} HTTP/1.1\r\nHost: mp.example.test\r\nX: "
HEAD = "CCM_POST /ccm_system/request?outer-{n} HTTP/1.1\r\nHost: mp.example.test:8443\r\nContent-Type: multipart/mixed\r\n"
# {i}: the inner request; {l}: its length. In each the inner request is body, or nothing, for whoever reads rightly.
ODD = [
    HEAD + "Content-Length: {l}\r\nContent-Length: 0\r\n\r\n{i}",
    HEAD + "Content-Length: 0\r\nContent-Length: {l}\r\n\r\n{i}",
    HEAD + "Content-Length: 0, {l}\r\n\r\n{i}",
    HEAD + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{x}\r\n{i}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n{x}\r\n{i}\r\n0\r\n\r\n",
    HEAD + "Content-Length: {l}\r\nTransfer-Encoding: xchunked\r\n\r\n{i}",
    HEAD + "Content-Length: {l}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n{i}",
    HEAD + "Content-Length: {l}\r\nTransfer-Encoding:\x0bchunked\r\n\r\n{i}",
    HEAD + "Content-Length: {l}\r\n Transfer-Encoding: chunked\r\n\r\n{i}",
    HEAD + "Content-Length: {l}\r\nX: y\n Content-Length: 0\r\n\r\n{i}",
    HEAD + "X: y\nContent-Length: 0\r\nContent-Length: {l}\r\n\r\n{i}",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n{x};a=\"\r\n{i}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n{x};a=\n{i}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n0x{x}\r\n{i}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n{x}\r\n{i}\r\n0\r\nTrailer: a\r\nContent-Length: 0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{x}\r\n{i}\r\n0\r\n\r\n",
    HEAD + "Content-Length: +{l}\r\n\r\n{i}",
    HEAD + "Content-Length: {l}\r\nX\x00: y\r\n\r\n{i}",
    HEAD.replace("HTTP/1.1", "HTTP/1.0") + "Transfer-Encoding: chunked\r\nContent-Length: {l}\r\n\r\n{i}",
    "GET /SMS_MP/.sms_aut?MPLIST HTTP/1.1\r\nHost: mp.example.test:8443\r\nContent-Length: {l}\r\n\r\n{i}",
]
SENDER = r'''
import json, socket, ssl, sys, threading
payloads = json.load(sys.stdin)
context = ssl.create_default_context(cafile="/etc/farpoint/root.pem")
context.load_cert_chain(sys.argv[1] + ".pem", sys.argv[1] + ".key")
answers = [None] * len(payloads)
def send(n):
    try:
        with context.wrap_socket(socket.create_connection(("mp.example.test", 8443), timeout=20), server_hostname="mp.example.test") as wire:
            wire.sendall(payloads[n].encode("latin-1"))
            wire.settimeout(3)
            got = b""
            try:
                while more := wire.recv(65536):
                    got += more
            except TimeoutError:
                pass
            answers[n] = got.decode("latin-1")
    except OSError as error:
        answers[n] = str(error)
threads = [threading.Thread(target=send, args=(n,)) for n in range(len(payloads))]
[t.start() for t in threads]
[t.join() for t in threads]
print(json.dumps(answers))
'''


@pytest.mark.parametrize("way", [("direct",), *BRIDGES], ids=" ".join)
def test_one_request_never_becomes_two(company, way):
    if way[0] == "direct":
        company.take_down()
        company.lead(False)
    else:
        company.publish(*way)
    host = company.pc
    host.write("/root/send.py", SENDER)
    payloads = []
    for n, odd in enumerate(ODD):
        inner = INNER.replace("{n}", f"{n}-{company.number}-{way[0]}")
        payloads.append(odd.replace("{i}", inner).replace("{l}", str(len(inner))).replace("{x}", format(len(inner), "x")).replace("{n}", str(n)))
    def came():
        return len(re.findall(r" CCM_POST /ccm_system/request \d{3} ", company.site.log("farpointd.log")))
    before = came()
    answers = json.loads(host.run("python3", "/root/send.py", f"/etc/farpoint/certificates/{host.name}", stdin=json.dumps(payloads)).stdout)
    for n, answer in enumerate(answers):
        assert answer.count("HTTP/1.1 ") <= 1, (n, payloads[n], answer)
    # Whoever comes next on a connection that the proxy keeps gets its own answer.
    for _ in range(12):
        status, body = company.curl(host, LIST)
        assert status == 200 and "<MPList" in body
    assert "smuggled-" not in company.site.log("farpointd.log")
    assert came() - before <= len(ODD)
