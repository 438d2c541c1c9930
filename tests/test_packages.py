"""The packages as an administrator gets them: README.md line by line on two machines, units, manual pages, completion."""
import gzip
import pathlib
import re
import shlex
import subprocess

import farlab
import pytest
import story

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER_PROGRAMS = {"farpointd": 8, "farpoint": 1}
PROGRAMS = {**SERVER_PROGRAMS, "farpoint-agent": 8}
# What `systemd-analyze security` may say at most. The agent installs software as root: its unit says what cannot be taken away.
EXPOSURE_MAX = {"farpointd": 1.5, "farpoint-agent": 6.6}


def readme_blocks():
    """(machine, lines) for each shell block of README.md: the text before it says on which machine it is run."""
    text = (ROOT / "README.md").read_text()
    blocks = []
    for match in re.finditer(r"```sh\n(.*?)```", text, re.DOTALL):
        before = text[:match.start()].lower()
        on_site = before.rfind("on the site server") > before.rfind("on the computer")
        lines = match.group(1).replace("\\\n", " ").strip().splitlines()
        blocks.append(("site" if on_site else "computer", [" ".join(line.split()) for line in lines]))
    return blocks


class Administrator:
    """Types the lines of the README on machines that run systemd. What needs sshd is done as it would do it."""

    def __init__(self, lab, packages):
        network = lab.network("net", "10.77.9.0/24")
        self.lab = lab
        self.hosts = {"site": lab.host("farpoint", "farpoint.example.com", network, "10.77.9.10/24", systemd=True),
                      "computer": lab.host("laptop1", "laptop1.example.com", network, "10.77.9.20/24", systemd=True)}
        self.output = {}
        hello = story.build_deb(lab.dir, "hello", "1.0")
        for host in self.hosts.values():
            host.run("rm", "-f", "/var/lib/man-db/auto-update")  # the index of all manual pages of the machine is not our matter
            for package in [*packages.glob("*.deb"), hello]:
                host.write(f"/root/{package.name}", package.read_bytes())

    def type(self, machine, line):
        host = self.hosts[machine]
        if line.startswith("scp "):
            self.carry(host, shlex.split(line)[1:])
        else:
            done = host.run("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "sh", "-ec", f"cd /root; {line}",
                            timeout=300)
            self.output[line] = done.stdout

    def carry(self, host, words):
        target = next(h for h in self.hosts.values() if words[-1] == f"root@{h.fqdn}:")
        for source in words[1:-1]:
            path = source if source.startswith("/") else f"/root/{source}"
            for file in host.out("find", path, "-type", "f").split():
                target.copy_from(host, file, f"/root/{pathlib.Path(source).name}{file[len(path):]}", 0o600)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    farlab.sh(ROOT / "packaging" / "build_deb", farlab.BIN, folder)
    return folder


@pytest.fixture(scope="module")
def followed(packages):
    """Both machines, after every line of the README."""
    with farlab.Lab() as lab:
        admin = Administrator(lab, packages)
        try:
            for machine, lines in readme_blocks():
                for line in lines:
                    admin.type(machine, line)
        except BaseException:
            for machine, host in admin.hosts.items():
                print(f"--- {machine}\n{host.run('journalctl', '--no-pager', '-n', '40', check=False).stdout[-4000:]}")
            raise
        yield admin


def test_the_readme_leads_from_packages_to_an_installed_application(followed):
    assert "hello 1.0 on laptop1" in followed.hosts["computer"].out("hello")
    status = followed.output["farpoint deployment status Hello"]
    assert re.search(r"success\s+1\b", status), status
    why = followed.output["farpoint why laptop1 Hello"]
    assert "Done" in why.splitlines()[-1] and "\n  -- " not in why, why
    assert "laptop1" in followed.output["farpoint device list"].lower()


@pytest.mark.parametrize("machine, unit", [("site", "farpointd"), ("computer", "farpoint-agent")])
def test_systemd_runs_the_unit_shut_in_and_starts_it_again_when_it_dies(followed, machine, unit):
    host = followed.hosts[machine]
    assert host.out("systemctl", "is-enabled", unit) == "enabled" and host.out("systemctl", "is-active", unit) == "active"
    pid = host.out("systemctl", "show", "--value", "-p", "MainPID", unit)
    seccomp = re.search(r"^Seccomp:\s*(\d)", host.read(f"/proc/{pid}/status"), re.MULTILINE).group(1)
    assert seccomp == "2", "the filter of system calls is not in force"
    if unit == "farpointd":  # the whole system is read-only for it but its own folder
        written = host.run("nsenter", "-t", pid, "-m", "touch", "/etc/farpoint/there", check=False)
        assert written.returncode and "Read-only" in written.stderr
    host.run("kill", "-KILL", pid)
    farlab.wait_for(f"{unit} again", lambda: host.out("systemctl", "is-active", unit, check=False) == "active" and
                    host.out("systemctl", "show", "--value", "-p", "MainPID", unit) not in (pid, "0"), 60)
    if unit == "farpointd":
        assert "laptop1" in host.out("farpoint", "device", "list").lower()
        host.run("systemctl", "reload", unit)
        farlab.wait_for("the reload", lambda: "read again" in host.out("journalctl", "--no-pager", "-u", unit))


def test_the_site_runs_as_its_own_user_and_owns_what_it_needs(followed):
    site = followed.hosts["site"]
    assert site.out("sh", "-c", "ps -o user= -C farpointd | sort -u") == "farpoint"
    assert site.out("stat", "-c", "%U %a", "/var/lib/farpoint/keys") == "farpoint 700"
    assert site.out("find", "/var/lib/farpoint", "!", "-user", "farpoint") == ""
    stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    assert site.run(*stranger, "cat", "/etc/farpoint/farpoint.toml", check=False).returncode != 0


def test_the_agents_memory_is_out_of_reach_of_the_sites_user(followed):
    """Both programs may live on one machine: who owns the site's folder must not own a folder that root trusts."""
    computer = followed.hosts["computer"]
    assert computer.out("stat", "-c", "%U %a", "/var/lib/farpoint-agent/agent.db").startswith("root ")
    assert not computer.out("find", "/var/lib", "-path", "/var/lib/farpoint/*")


@pytest.mark.parametrize("machine, unit", [("site", "farpointd"), ("computer", "farpoint-agent")])
def test_units_are_without_fault_and_shut_in(followed, machine, unit):
    host = followed.hosts[machine]
    path = f"/lib/systemd/system/{unit}.service"
    verified = host.run("systemd-analyze", "verify", "--man=yes", path, check=False)
    ours = [line for line in (verified.stdout + verified.stderr).splitlines() if "farpoint" in line]
    assert not ours, ours
    shown = host.run("systemd-analyze", "security", "--offline=true", "--no-pager", path, check=False).stdout
    exposure = float(re.search(r"Overall exposure level for .*?: ([\d.]+)", shown).group(1))
    assert exposure <= EXPOSURE_MAX[unit], shown


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_manual_pages_are_installed_and_without_fault(followed, program):
    host = followed.hosts["computer" if program == "farpoint-agent" else "site"]
    section = PROGRAMS[program]
    page = host.dir / f"{program}.roff"
    path = f"/usr/share/man/man{section}/{program}.{section}.gz"
    page.write_bytes(gzip.decompress(subprocess.run(host._enter(["cat", path]), check=True, stdout=subprocess.PIPE).stdout))
    lint = farlab.sh("groff", "-man", "-ww", "-Tutf8", "-z", page)
    assert lint == "", lint
    described = re.findall(r"^\.TP\n(.*)\n(.*)$", page.read_text(), re.MULTILINE)
    assert len(described) > 10 and not [name for name, text in described if not text.strip() or text.startswith((" (", "."))]
    shown = farlab.sh("man", "-l", page, env={"MANWIDTH": "100", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANPAGER": "cat"})
    assert "EXIT STATUS" in shown and f"{program} " in shown


BASH = """source /usr/share/bash-completion/completions/{program}
COMP_WORDS=({words}) COMP_CWORD={at}
$(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize("program, words, expected", [
    ("farpoint", ["dev"], {"device"}),
    ("farpoint", ["deploy", "Hello", "--purpose", ""], {"required", "available"}),
    ("farpoint", ["--json", "dp", ""], {"list", "status", "add", "validate", "remove"}),
    ("farpointd", ["scratch", "--prof"], {"--profile"}),
    ("farpoint-agent", ["evaluate", "po"], {"policy"}),
])
def test_bash_completes_what_the_programs_know(followed, program, words, expected):
    host = followed.hosts["computer" if program == "farpoint-agent" else "site"]
    script = BASH.format(program=program, words=" ".join(shlex.quote(w) for w in [program, *words]), at=len(words))
    assert set(host.out("bash", "-c", script).split()) == expected


def test_fish_and_zsh_complete_too(followed):
    site = followed.hosts["site"]
    assert set(site.out("fish", "-c", "complete -C 'farpoint dp '").split()) >= {"list", "status", "add", "validate", "remove"}
    zsh = """autoload -U compinit && compinit -D -u
    compadd() { shift; print -l -- ${(P)1}; }
    words=(farpoint dp '') CURRENT=3
    source /usr/share/zsh/vendor-completions/_farpoint
    _farpoint"""
    assert set(site.out("zsh", "-fc", zsh).split()) == {"list", "status", "add", "validate", "remove"}


def test_a_removed_package_keeps_its_configuration_and_a_purged_one_only_what_people_made(followed):
    """Debian policy 6.8 and 10.7.3: removal keeps configuration, purging takes it; a site's keys are nobody's to throw away."""
    site, computer = followed.hosts["site"], followed.hosts["computer"]
    computer.run("dpkg", "--remove", "farpoint-agent")
    assert computer.out("systemctl", "is-active", "farpoint-agent", check=False) == "inactive"
    computer.run("test", "-e", "/etc/farpoint/agent.conf", "-a", "-e", "/var/lib/farpoint-agent/agent.db")
    assert computer.run("test", "-e", "/usr/bin/farpoint-agent", check=False).returncode
    computer.run("dpkg", "--purge", "farpoint-agent")
    assert sorted(computer.out("find", "/etc/farpoint", "-type", "f").split()) == [
        "/etc/farpoint/certificates/laptop1.key", "/etc/farpoint/certificates/laptop1.pem"]
    assert computer.run("test", "-e", "/var/lib/farpoint-agent", "-o", "-e", "/var/log/farpoint", check=False).returncode
    site.run("dpkg", "--remove", "farpoint-server")
    site.run("test", "-e", "/etc/farpoint/farpoint.toml", "-a", "-e", "/var/lib/farpoint/site.db")
    purged = site.out("dpkg", "--purge", "farpoint-server")
    assert "stays in /var/lib/farpoint" in purged
    assert site.run("test", "-e", "/etc/farpoint", check=False).returncode
    site.run("test", "-e", "/var/lib/farpoint/keys/signing.pem")


def test_purging_without_ever_making_a_site_leaves_nothing(followed):
    host = followed.hosts["computer"]
    host.run("sh", "-c", "rm -r /etc/farpoint; dpkg -i /root/farpoint-*.deb")
    host.run("dpkg", "--purge", "farpoint-server", "farpoint-agent")
    left = host.out("find", "/etc", "/var/lib", "/var/log", "/usr", "/lib/systemd", "-name", "*farpoint*", "-not", "-path",
                    "*/dpkg/*")
    assert left == "", left
