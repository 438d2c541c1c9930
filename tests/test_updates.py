"""Software updates: the catalogue from a signed repository, the scan in the office and at home, what is required, deployed and installed."""
import json
import re

import farlab
import pytest
import updates
from topology import HOME, INTRANET

INSIDE, OUTSIDE = "https://site.corp.test:443", "https://mp.example.test:8443"
CLIENT = "/ClientWebService/client.asmx"
SOAP = ('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body></soap:Envelope>')
NAMESPACE = "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService"


@pytest.fixture(scope="module")
def company():
    with updates.Updates() as made:
        made.install_agent()
        made.start_agent()
        farlab.wait_for("registration", made.device)
        made.has("lab-tool", "1.0")
        yield made


def at(company, place, wanted):
    company.carry(place)
    farlab.wait_for(wanted, lambda: company.status()["location"] == wanted and not company.status()["last problem"], 60)


def content_version(company):
    return company.farpoint_json("update", "status")["content_version"]


def deploy(company, package):
    """The update to everybody, at once; content on the distribution point of the internet."""
    company.farpoint("update", "deploy", package, "--to", "All Systems", "--deadline", "now")
    application = next(a for a in company.farpoint_json("app", "list") if a.get("update_id") == company.update(package)["id"])
    content = application["types"][0]["content_id"]
    farlab.wait_for("the content on the edge",
                    lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}.get("dp.example.test") == "ok")
    return application, content


def test_the_repository_is_one_that_apt_takes(company):
    laptop = company.laptop
    laptop.write("/root/vendor.gpg", company.signer.keyring())
    laptop.write("/root/vendor.list", f"deb [signed-by=/root/vendor.gpg arch=amd64] {updates.REPOSITORY} {updates.SUITE} main\n")
    done = laptop.run("apt-get", "-o", "Dir::Etc::sourcelist=/root/vendor.list", "-o", "Dir::Etc::sourceparts=-", "-o", "APT::Sandbox::User=root",
                      "-o", "Acquire::Languages=none", "-o", "Acquire::http::Proxy=DIRECT", "-o", "Acquire::Retries=0", "update")
    assert "Err" not in done.stdout and f"{updates.REPOSITORY} {updates.SUITE}" in done.stdout


def test_the_catalogue_comes_from_the_signed_repository(company):
    assert "lab security" in company.sync()
    found = company.update("lab-tool")
    assert (found["version"], found["classification"], found["product"]) == ("2.0", "Security Updates", "Lab stable")
    assert found["url"] == f"{updates.REPOSITORY}/pool/lab-tool_2.0_all.deb"
    assert found["unknown"] == 1, "the laptop has not scanned"
    before = content_version(company)
    company.sync()
    assert content_version(company) == before, "nothing changed, no new version"


def test_the_first_scan_is_within_two_hours_of_the_policy(company):
    company.evaluate("policy")
    status = farlab.wait_for("policy for the scan", lambda: (s := company.status())["update scan"] == "planned" and s)
    assert any(c["cycle"] == "updates" and c["next"] != "never" for c in status["cycles"])
    assert "within two hours" in company.laptop.out("farpoint-agent", "why", "updates")


def test_in_the_office_the_scan_goes_to_the_point_of_the_intranet(company):
    status = company.scan()
    assert status["software update point"] == INSIDE, status
    assert "complete" in status["update scan"]
    assert [u["title"] for u in status["required updates"]] == ["lab-tool 2.0: lab-tool of the laboratory"]
    assert INSIDE in company.laptop.out("farpoint-agent", "why", "updates")
    assert company.scans("intranet-https") > 0 and company.scans("internet-https") == 0
    wanted = company.farpoint_json("update", "required", "--device", "laptop")
    assert [u["package"] for u in wanted["items"]] == ["lab-tool"] and wanted["scan"]["point"] == "site.corp.test"
    found = company.update("lab-tool")
    assert (found["required"], found["installed"], found["unknown"]) == (1, 0, 0)


def test_at_home_the_scan_goes_to_the_point_of_the_internet_and_never_the_other_way(company):
    at(company, HOME, "Currently internet")
    inside = company.scans("intranet-https")
    status = company.scan()
    assert status["software update point"] == OUTSIDE, status
    assert company.scans("internet-https") > 0 and company.scans("intranet-https") == inside
    assert company.opened_inwards() == 0


def test_a_tampered_index_and_a_strange_or_old_signature_are_refused(company):
    before = content_version(company)
    index = f"/srv/lab/dists/{updates.SUITE}/main/binary-amd64/Packages"

    def refused(words):
        done = company.site.run("farpoint", "update", "sync", check=False)
        assert done.returncode != 0 and words in done.stderr, done.stderr
        assert content_version(company) == before
        assert words in json.dumps(company.farpoint_json("update", "status"))

    company.sign(forms=("",))
    company.vendor.write(index, company.index().replace(b"lab-tool_2.0", b"lab-evil_2.0"))
    refused("its size or SHA-256 differs")
    company.sign(signer=company.stranger)
    refused("no key of /etc/farpoint/vendor.gpg has signed it")
    company.sign(at=company.clock - 86400)
    refused("somebody shows an old one")
    company.sign(until=company.clock)  # signed by the vendor, and newer than what was taken
    refused("the release file was good until")
    text = company.vendor.read(f"/srv/lab/dists/{updates.SUITE}/InRelease")
    company.vendor.write(f"/srv/lab/dists/{updates.SUITE}/InRelease", text.replace("Origin: Lab", "Origin: Mallory"))
    refused("no key of")
    for forms in (("",), (".gz",), ("", ".xz", ".gz")):
        company.sign(forms=forms)
        company.sync()
    assert content_version(company) == before


def test_at_home_a_deployed_update_comes_from_the_vendor_and_the_next_evaluation_says_installed(company):
    application, content = deploy(company, "lab-tool")
    assert application["types"][0]["requirements"] == [{"attribute": "package:lab-tool", "op": "exists", "values": []}]
    assert re.search(r"update +lab-tool 2.0", company.farpoint("deployment", "list"))
    farlab.wait_for("the update", lambda: company.evaluate("policy") and "2.0" in (company.installed("lab-tool") or ""), 120)
    assert company.asked_of_the_vendor("lab-tool"), "from the vendor"
    assert "the vendor, " in company.laptop.out("farpoint-agent", "why", content)
    asked = company.scans("internet-https")
    company.evaluate("apps")
    company.evaluate("state")
    assert company.status()["required updates"] == []
    assert company.scans("internet-https") == asked, "evaluated again without the point"
    found = farlab.wait_for("the word of it", lambda: (u := company.update("lab-tool"))["installed"] == 1 and u)
    assert found["required"] == 0


def test_where_the_vendor_is_cut_the_distribution_point_of_the_internet_gives_it(company):
    company.has("lab-lib", "1.0")
    company.offer("lab-lib", "1.5", 2)
    company.sync()
    status = company.scan()
    assert [u["title"] for u in status["required updates"]] == ["lab-lib 1.5: lab-lib of the laboratory"]
    company.cut_vendor(True)
    _, content = deploy(company, "lab-lib")
    farlab.wait_for("the update", lambda: company.evaluate("policy") and "1.5" in (company.installed("lab-lib") or ""), 180)
    why = company.laptop.out("farpoint-agent", "why", content)
    assert "dp.example.test" in why, why
    assert not company.asked_of_the_vendor("lab-lib")
    company.cut_vendor(False)


def test_a_device_without_the_package_is_not_touched(company):
    company.offer("lab-other", "9.0")
    company.sync()
    company.scan()
    deploy(company, "lab-other")
    farlab.wait_for("the state", lambda: company.evaluate("policy") and company.evaluate("state") and
                    any(s["state"] == 3000 for s in company.farpoint_json("deployment", "status", "lab-other 9.0 (all) from lab security")["states"]))
    assert company.installed("lab-other") is None
    assert company.update("lab-other")["not_required"] == 1


@pytest.mark.parametrize("way", [("nginx", "bridge"), ("nginx", "bridge", "--strict"), ("haproxy", "bridge"), ("haproxy", "bridge", "--strict"),
                                 ("nginx", "tunnel")], ids=" ".join)
def test_the_scan_passes_what_farpoint_publishes(company, way):
    company.publish(*way)
    before = company.scans("internet-https")
    status = company.scan()
    assert "complete" in status["update scan"] and status["software update point"] == OUTSIDE, status
    assert company.scans("internet-https") > before
    if "bridge" in way:
        code, _ = company.curl(company.laptop, OUTSIDE + CLIENT)
        assert code == 405, "POST only"
        code, _ = company.curl(company.laptop, OUTSIDE + "/ClientWebService/other.asmx", "-d", "x")
        assert code == 404


def test_a_point_that_does_not_answer_is_tried_again_after_half_an_hour_and_the_catalogue_stays(company):
    company.publish("nginx", "bridge", "--role", "mp,dp")
    status = company.scan()
    assert "pending retry" in status["update scan"] and "try 1 of 4, the next in 30 min" in status["update scan reason"], status
    assert company.farpoint_json("update", "required", "--device", "laptop")["scan"]["state"] == "pending retry"
    assert company.update("lab-tool")["installed"] == 1, "what was found before still counts"
    doctor = company.laptop.run("farpoint-agent", "doctor", check=False).stdout
    assert "a proxy in front of it does not pass its paths" in doctor, doctor
    company.take_down()
    company.lead(False)
    assert "complete" in company.scan()["update scan"]
    assert "the software update point answers, also to large requests" in company.laptop.run("farpoint-agent", "doctor", check=False).stdout


def test_a_scan_written_by_others_is_answered_without_a_client_certificate(company):
    def ask(path, body, action):
        code, text = company.curl(company.laptop, OUTSIDE + path, "-H", "Content-Type: text/xml; charset=utf-8", "-H", f'SOAPAction: "{action}"',
                                  "--data-binary", SOAP.format(body), certificate="")
        return code, text

    def field(text, name):
        return re.search(f"<{name}>([^<]*)</{name}>", text).group(1)

    code, config = ask("/clientwebservice/CLIENT.asmx", f'<GetConfig xmlns="{NAMESPACE}"><protocolVersion>2.90</protocolVersion></GetConfig>',
                       f"{NAMESPACE}/GetConfig")
    assert code == 200 and "<Value>3.2</Value>" in config
    simple = NAMESPACE.replace("ClientWebService", "SimpleAuthWebService")
    code, granted = ask("/SimpleAuthWebService/SimpleAuth.asmx", f'<GetAuthorizationCookie xmlns="{simple}"><clientId>other-1</clientId>'
                        '<targetGroupName/><dnsName>other</dnsName></GetAuthorizationCookie>', f"{simple}/GetAuthorizationCookie")
    assert code == 200
    # As a SOAP-encoding client writes a list.
    code, cookie = ask(CLIENT, f'<m:GetCookie xmlns:m="{NAMESPACE}" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"><authCookies e:arrayType='
                       f'"m:AuthorizationCookie[1]"><Item><PlugInId>SimpleTargeting</PlugInId><CookieData>{field(granted, "CookieData")}</CookieData></Item>'
                       f'</authCookies><oldCookie xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/><lastChange>'
                       f'{field(config, "LastChange")}</lastChange><currentTime>2026-01-01T00:00:00Z</currentTime><protocolVersion>2.90</protocolVersion>'
                       '</m:GetCookie>', f"{NAMESPACE}/GetCookie")
    assert code == 200, cookie
    held = f'<cookie><Expiration>{field(cookie, "Expiration")}</Expiration><EncryptedData>{field(cookie, "EncryptedData")}</EncryptedData></cookie>'
    code, first = ask(CLIENT, f'<SyncUpdates xmlns="{NAMESPACE}">{held}<parameters><ExpressQuery>false</ExpressQuery></parameters></SyncUpdates>',
                      f"{NAMESPACE}/SyncUpdates")
    assert code == 200 and "UpdateType=&quot;Software" not in first.replace('"', "&quot;"), "levels: no update before its categories"
    level = [re.search("<ID>([0-9]+)</ID>", u).group(1) for u in first.split("<UpdateInfo>")[1:]]
    for _ in range(3):
        ids = "".join(f"<int>{n}</int>" for n in level)
        code, more = ask(CLIENT, f'<SyncUpdates xmlns="{NAMESPACE}">{held}<parameters><InstalledNonLeafUpdateIDs>{ids}</InstalledNonLeafUpdateIDs>'
                         '</parameters></SyncUpdates>', f"{NAMESPACE}/SyncUpdates")
        assert code == 200
        level += [re.search("<ID>([0-9]+)</ID>", u).group(1) for u in more.split("<UpdateInfo>")[1:] if "<IsLeaf>false" in u]
    assert "lab-tool" in more and "dpkg.Package" in more
    code, fault = ask(CLIENT, f'<SyncUpdates xmlns="{NAMESPACE}"><cookie><EncryptedData>AAEC</EncryptedData></cookie><parameters/></SyncUpdates>',
                      f"{NAMESPACE}/SyncUpdates")
    assert code == 500 and "<ErrorCode>InvalidCookie</ErrorCode>" in fault
    code, fault = ask(CLIENT, f'<StartCategoryScan xmlns="{NAMESPACE}"><requestedCategories>'
                      + "<CategoryRelationship><CategoryId>cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83</CategoryId></CategoryRelationship>" * 200
                      + "</requestedCategories></StartCategoryScan>", f"{NAMESPACE}/StartCategoryScan")
    assert code == 500 and "<ErrorCode>InvalidParameters</ErrorCode>" in fault


def test_back_in_the_office_the_point_of_the_intranet_is_used_again(company):
    at(company, INTRANET, "Currently intranet")
    outside = company.scans("internet-https")
    assert company.scan()["software update point"] == INSIDE
    assert company.scans("internet-https") == outside


def test_a_point_for_one_place_only_is_neither_named_nor_open_in_the_other(company):
    def offer(old, new):
        company.change_configuration(company.site, f'[software_update_point]\nconnections = "{old}"', f'[software_update_point]\nconnections = "{new}"')
        company.site.stop(company.daemon)
        company.start_site()

    def served(point):
        status = company.scan()
        assert "complete" in status["update scan"] and status["software update point"] == point, status
        assert company.curl(company.laptop, point + CLIENT)[0] == 405, "open, to POST only"

    def unserved(point, place):
        status = company.scan()
        assert "complete" not in status["update scan"], status
        assert f"no software update point is offered to clients on the {place}" in status["update scan reason"], status
        assert company.curl(company.laptop, point + CLIENT, "-d", "x")[0] == 404

    offer("both", "intranet")
    served(INSIDE)
    at(company, HOME, "Currently internet")
    unserved(OUTSIDE, "internet")
    offer("intranet", "internet")
    served(OUTSIDE)
    at(company, INTRANET, "Currently intranet")
    unserved(INSIDE, "intranet")
