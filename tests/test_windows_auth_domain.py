"""Windows logins in a real domain (Samba AD): Kerberos tickets with a PAC, and NTLM that its controller decides on by winbind."""
import directory
import farlab
import pytest

CONF = f"{directory.STATE}/etc/smb.conf"
PASSWORD = "Secret.1"
DOOR = "http://dc1.corp.test/ccm_system_windowsauth/request"
CONFIG = """
[windows_auth]
keytab = "/etc/farpoint/http.keytab"
ntlm_winbind = true
domains = ["CORP.TEST=CORP"]
doors = ["intranet-http"]
"""
KERBEROS = """[libdefaults]
 default_realm = CORP.TEST
 dns_lookup_kdc = false
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 CORP.TEST = {
  kdc = 127.0.0.1
 }
"""
# Else the controller exports keys of RC4 only.
AES = f"""
import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
parameters = LoadParm()
parameters.load("{CONF}")
database = SamDB(session_info=system_session(), lp=parameters)
change = ldb.Message(ldb.Dn(database, "CN=service,CN=Users,DC=corp,DC=test"))
change["types"] = ldb.MessageElement("24", ldb.FLAG_MOD_REPLACE, "msDS-SupportedEncryptionTypes")
database.modify(change)
"""


@pytest.fixture(scope="module")
def host():
    """The controller, and beside it a site: everything of the domain is there, winbind too."""
    with farlab.Lab() as lab:
        made = lab.host("dc1", "dc1.corp.test", lab.network("office", "10.77.1.0/24", dns="127.0.0.1"), "10.77.1.2/24")
        controller = directory.DomainController(made)
        controller.provision()
        controller.start()
        for words in (("user", "create", "alice", PASSWORD), ("user", "create", "service", PASSWORD), ("computer", "create", "PC7"),
                      ("user", "setpassword", "PC7$", f"--newpassword={PASSWORD}"), ("spn", "add", "HTTP/dc1.corp.test", "service")):
            made.run("samba-tool", *words, "-s", CONF)
        made.run("/usr/bin/python3", "-c", AES)
        made.run("samba-tool", "user", "setpassword", "service", "--newpassword=Secret.2", "-s", CONF)
        made.run("mkdir", "-p", "/etc/farpoint")
        made.run("samba-tool", "domain", "exportkeytab", "/etc/farpoint/http.keytab", "--principal=HTTP/dc1.corp.test", "-s", CONF)
        made.write("/etc/krb5.conf", KERBEROS)
        made.run("farpointd", "init", "--site-code", "DOM", "--own-ca", "--intranet-fqdn", "dc1.corp.test", "--intranet-listen", "0.0.0.0:443",
                 "--intranet-http-listen", "0.0.0.0:80")
        made.write("/etc/farpoint/farpoint.toml", made.read("/etc/farpoint/farpoint.toml") + CONFIG, 0o640)
        made.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the site to run", lambda: "is running" in made.log("farpointd.log"), 120)
        yield made


def curl(host, *words):
    before = len(host.log("farpointd.log"))
    status = host.out("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *words, DOOR)
    return status, host.log("farpointd.log")[before:]


def test_a_user_and_a_computer_of_the_domain_log_in_with_their_tickets(host):
    for account in ("alice", "PC7$"):
        host.run("kinit", f"{account}@CORP.TEST", stdin=PASSWORD + "\n")
        status, log = curl(host, "--negotiate", "-u", ":")
        assert status == "405" and f"{account}@CORP.TEST" in log and "logged in by Kerberos" in log, log
    host.run("kdestroy")
    assert curl(host, "--negotiate", "-u", ":")[0] == "401"


def test_the_controller_decides_on_ntlm(host):
    for account in ("alice", "PC7$"):
        status, log = curl(host, "--ntlm", "-u", f"CORP\\{account}:{PASSWORD}")
        assert status == "405" and f"{account}@CORP.TEST" in log and "logged in by NTLM" in log, log
    assert curl(host, "--ntlm", "-u", "CORP\\alice:wrong")[0] == "401"
    host.run("samba-tool", "user", "disable", "alice", "-s", CONF)
    assert curl(host, "--ntlm", "-u", f"CORP\\alice:{PASSWORD}")[0] == "401"
