import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lab"))
sys.path.insert(0, str(ROOT / "tests"))


def pytest_sessionfinish(session, exitstatus):
    """Adds the counts to the suite's tally (./dev test)."""
    tally = os.environ.get("FARPOINT_TALLY")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if tally and reporter:
        passed = len(reporter.stats.get("passed", []))
        failed = len(reporter.stats.get("failed", [])) + len(reporter.stats.get("error", []))
        if exitstatus not in (0, 1) and failed == 0:
            failed = 1
        with open(tally, "a", encoding="ascii") as file:
            file.write(f"{passed} {failed}\n")


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The folder of the Debian packages of the programs under test."""
    import farlab
    folder = tmp_path_factory.mktemp("packages")
    farlab.sh(ROOT / "packaging" / "build_deb", farlab.BIN, folder)
    return folder


@pytest.fixture(scope="module")
def office():
    import story
    with story.Office() as made:
        made.install_agent()
        made.start_agent()
        yield made


@pytest.fixture(scope="module")
def open_site(tmp_path_factory):
    import scratch
    with scratch.Scratch("open", tmp_path_factory.mktemp("open")) as site:
        yield site


@pytest.fixture(scope="module")
def closed_site(tmp_path_factory):
    import scratch
    with scratch.Scratch("default", tmp_path_factory.mktemp("default")) as site:
        yield site


@pytest.fixture(scope="module")
def client(open_site):
    """A client written by others, registered over plain HTTP at the open site."""
    import farclient
    return farclient.registered(farclient.Client(open_site.session(), open_site.http, "wire1"))


@pytest.fixture(scope="module")
def tls_client(closed_site):
    """The same with a certificate, at the closed site."""
    import farclient
    return farclient.registered(farclient.Client.with_files(
        closed_site.session(1), closed_site.https, closed_site.data / "client1.pem", closed_site.data / "client1.key", "client1"))
