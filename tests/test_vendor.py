"""Updates come from their vendor first, from a distribution point of the internet only if that fails, and in the office never from outside."""
import farlab
import journey
import pytest
from topology import HOME, INTRANET


@pytest.fixture(scope="module")
def company():
    with journey.Journey() as made:
        made.install_agent()
        made.start_agent()
        farlab.wait_for("registration", made.device)
        yield made


def deploy(company, name, vendor=journey.POOL):
    path = company.publish(name, "1.0", 3)
    company.farpoint("app", "create", "--deb", path, "--name", name, "--vendor-url", vendor)
    content = company.farpoint_json("app", "show", name)["types"][0]["content_id"]
    farlab.wait_for("the content on the edge",
                    lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}.get("dp.example.test") == "ok")
    company.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required")
    company.evaluate("policy")
    farlab.wait_for(name, lambda: company.installed(name), 120)
    return content


def at(company, place, wanted):
    company.carry(place)
    farlab.wait_for(wanted, lambda: company.status()["location"] == wanted and not company.status()["last problem"], 60)


def test_in_the_office_the_vendor_is_not_asked(company):
    deploy(company, "lab-inside")
    assert company.asked_of_the_vendor("lab-inside") == []


def test_at_home_the_vendor_gives_every_byte_and_sees_no_certificate(company):
    at(company, HOME, "Currently internet")
    content = deploy(company, "lab-vendor")
    assert f"the vendor, {journey.POOL}" in company.why_on_laptop(content)
    size = int(company.vendor.out("stat", "-c", "%s", "/srv/pool/lab-vendor_1.0_all.deb"))
    given, certificates = company.given_by_the_vendor("lab-vendor")
    assert given == size > 3 << 20 and certificates == {"NONE"}, (given, size, certificates)
    # It would have seen one: it asks.
    own = ("--cert", "/etc/farpoint/certificates/laptop.pem", "--key", "/etc/farpoint/certificates/laptop.key")
    company.laptop.run("curl", "-sf", *own, "-r", "0-7", "-o", "/dev/null", f"{journey.POOL}/lab-vendor_1.0_all.deb")
    assert "certificate=FAILED" in farlab.wait_for("its line", lambda: [line for line in company.asked_of_the_vendor("lab-vendor") if " 8 " in line])[-1]


def test_where_the_vendor_has_it_not_or_has_something_else_the_distribution_point_gives_it(company):
    content = deploy(company, "lab-nowhere", journey.POOL + "/moved")
    why = company.why_on_laptop(content)
    assert "the distribution points are asked for the rest" in why and "dp.example.test" in why
    path = company.make_package("lab-changed", "1.0", 3)
    company.vendor.write("/srv/pool/lab-changed_1.0_all.deb", b"\0" * (3 << 20))
    company.farpoint("app", "create", "--deb", path, "--name", "Changed", "--vendor-url", journey.POOL)
    company.farpoint("deploy", "Changed", "--to", "All Systems", "--purpose", "required")
    company.evaluate("policy")
    farlab.wait_for("the package", lambda: company.evaluate("policy") and company.installed("lab-changed"), 120)
    assert company.asked_of_the_vendor("lab-changed")
    at(company, INTRANET, "Currently intranet")
