"""Power loss, full disks and kill -9 of the site: a real ext4 on a loop device loses what was not synced, and fills up."""
import contextlib
import hashlib
import random
import re
import threading

import farclient
import farlab
import plant
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from disk import Disk

SEED = 20261122
MOMENTS = 4
WRITERS = 4


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    with Disk(tmp_path_factory.mktemp("drive"), 256) as made:
        yield made


@pytest.fixture(scope="module")
def site(drive, tmp_path_factory):
    with plant.Plant(drive / "site", tmp_path_factory.mktemp("logs")) as made:
        yield made


@pytest.fixture(scope="module")
def keys():
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(WRITERS)]


def pull_the_plug(drive, site):
    drive.pull_the_plug([site.process.pid])
    site.kill()


def lose_power(drive, site):
    pull_the_plug(drive, site)
    drive.plug_in()
    site.start()


def report(client, kind, body, sequence=0):
    content, action = ("State Message Data", "") if kind == "state" else (
        "Inventory Data", "<InventoryAction ActionType=\"Predefined\"><InventoryActionID>{00000000-0000-0000-0000-000000000001}</InventoryActionID>"
        f"<Description/><InventoryActionLastUpdateTime>{cim()}</InventoryActionLastUpdateTime></InventoryAction>")
    return (f"<Report><ReportHeader><Identification><Machine><ClientInstalled>1</ClientInstalled><ClientID>{client.guid}</ClientID>"
            f"<NetBIOSName>{client.name}</NetBIOSName></Machine></Identification><ReportDetails><ReportContent>{content}</ReportContent>"
            f"<ReportType>Full</ReportType><Date>{cim()}</Date></ReportDetails>{action}</ReportHeader><ReportBody>{body}</ReportBody></Report>")


def cim():
    return farclient.now().strftime("%Y%m%d%H%M%S.000000+000")


def state_message(serial):
    return (f'<StateMessage MessageTime="{cim()}" SerialNumber="{serial}"><Topic ID="" Type="800" IDType="0" User="" UserSID=""/>'
            '<State ID="400" Criticality="0"/><UserParameters Flags="0" Count="1"><Param>ok</Param></UserParameters></StateMessage>')


def processor(client, number):
    return (f'<Instance Content="New" Namespace="\\\\{client.name}\\root\\cimv2" Class="Win32_Processor" ParentClass="Win32_Processor">'
            f"<Win32_Processor><DeviceID>CPU0</DeviceID><Name>model {number}</Name></Win32_Processor></Instance>")


def packed(guid):
    return bytes.fromhex(guid[5:].replace("-", ""))


class Reporter:
    """A client that registers, reports states and inventory without end, and keeps book of what was acknowledged."""

    def __init__(self, site, name, key):
        self.client = site.client(name, key)
        self.serial, self.acknowledged, self.inventory, self.unanswered = 0, set(), 0, None
        self.registered = 0

    def step(self):
        """One message; an exception or another status than 200 is no acknowledgement."""
        if self.unanswered is None:
            if self.serial % 5 == 0 and self.registered <= self.serial:
                before = self.client.guid
                response = self.client.post(self.client.envelope("MP_ClientRegistration", self.client.registration(), signed=False))
                response.raise_for_status()
                self.client.guid = re.search(r'SMSID="(GUID:[0-9A-F-]{36})"', farclient.open_reply(response.content)).group(1)
                assert before in (None, self.client.guid)
                self.registered = self.serial + 1
                return
            self.serial += 1
            self.unanswered = (
                self.client.envelope("MP_RelayEndpoint", report(self.client, "state", state_message(self.serial)), mode="Async"),
                self.client.envelope("MP_HinvEndpoint", report(self.client, "hardware", processor(self.client, self.serial)), mode="Async"))
        states, inventory = self.unanswered
        for data, note in ((states, self.note_states), (inventory, self.note_inventory)):
            response = self.client.post(data)
            response.raise_for_status()
            note()
        self.unanswered = None

    def note_states(self):
        self.acknowledged.add(self.serial)

    def note_inventory(self):
        self.inventory = self.serial

    def run_until_lost(self):
        with contextlib.suppress(requests.RequestException):
            while True:
                self.step()

    def check(self, site):
        found = [n for (n,) in site.rows("SELECT serial FROM states WHERE client = ?", packed(self.client.guid))]
        assert len(found) == len(set(found)) and self.acknowledged <= set(found), (sorted(self.acknowledged)[-3:], found[-3:])
        assert len(site.rows("SELECT 1 FROM devices WHERE client = ?", packed(self.client.guid))) == 1
        newest = site.rows("SELECT properties FROM inventory WHERE client = ? AND properties LIKE '%model%'", packed(self.client.guid))
        assert self.inventory == 0 or len(newest) == 1, newest
        number = int(newest[0][0].split("model ")[1].split('"')[0]) if newest else 0
        assert self.inventory <= number <= self.serial, (number, self.inventory, self.serial)


def test_what_was_acknowledged_is_there_after_the_power_was_cut(drive, site, keys):
    chance = random.Random(SEED)
    reporters = [Reporter(site, f"reporter{n}", key) for n, key in enumerate(keys)]
    for _ in range(MOMENTS):
        target = sum(r.serial for r in reporters) + chance.randrange(3, 30)
        threads = [threading.Thread(target=r.run_until_lost) for r in reporters]
        for thread in threads:
            thread.start()
        farlab.wait_for("some reports", lambda: sum(r.serial for r in reporters) >= target, 30, 0.001)
        pull_the_plug(drive, site)
        for thread in threads:
            thread.join()
        drive.plug_in()
        site.start()
        for reporter in reporters:
            reporter.check(site)
            if reporter.unanswered:
                reporter.step()  # the same bytes again, as an honest client sends them
                assert reporter.unanswered is None and reporter.serial in reporter.acknowledged
            reporter.check(site)
    assert min(len(r.acknowledged) for r in reporters) >= MOMENTS
