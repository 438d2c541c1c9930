"""A fallback status point on a host of its own in the perimeter, as docs/administration.md says."""
import farlab
import story

FSP = "fsp.example.test"
LINK = "10.77.2.30:10443"
ADD = ("fsp", "add", FSP, "--certificate", "/root/fsp/fsp.pem", "--link", LINK)


def add_status_point(company, network):
    """Makes the host, its role, and tells the site; returns the host."""
    host = company.lab.host("fsp", FSP, network, "10.77.2.30/24")
    company.site.run("farpoint", "pki", "issue", "--ca", f"{story.DATA}/ca", "--profile", "server", "--name", FSP, "--dns", FSP, "--out",
                     "/root/fsp")
    for kind in ("pem", "key"):
        host.copy_from(company.site, f"/root/fsp/fsp.{kind}", f"/root/server.{kind}", 0o600)
    host.copy_from(company.site, f"{story.DATA}/link.pem", "/root/link.pem")
    host.run("farpointd", "init-fsp", "--site-code", company.code, "--fqdn", FSP, "--clients-listen", "0.0.0.0:80", "--link-listen",
             "0.0.0.0:10443", "--certificate", "/root/server.pem", "--key", "/root/server.key", "--site-certificate", "/root/link.pem",
             "--messages", "0")
    start_status_point(host)
    company.farpoint(*ADD)
    return host


def start_status_point(host):
    before = host.log("farpointd.log").count("is running")
    host.daemon = host.start("farpointd", "run", log="farpointd.log")
    farlab.wait_for("the status point to run", lambda: host.log("farpointd.log").count("is running") > before)
