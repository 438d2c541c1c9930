"""Power loss, full disks and kill -9 of the site: a real ext4 on a loop device loses what was not synced, and fills up."""
import contextlib
import random
import re
import uuid
import subprocess
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


def state_message(serial, mark="ok"):
    return (f'<StateMessage MessageTime="{cim()}" SerialNumber="{serial}"><Topic ID="" Type="800" IDType="0" User="" UserSID=""/>'
            '<State ID="400" Criticality="0"/><UserParameters Flags="0" Count="1"><Param>' + mark + '</Param></UserParameters></StateMessage>')


def processor(client, number, ballast=""):
    return (f'<Instance Content="New" Namespace="\\\\{client.name}\\root\\cimv2" Class="Win32_Processor" ParentClass="Win32_Processor">'
            f"<Win32_Processor><DeviceID>CPU0</DeviceID><Name>model {number}</Name>"
            f"<Description>{ballast}</Description></Win32_Processor></Instance>")


def packed(guid):
    return bytes.fromhex(guid[5:].replace("-", ""))


class Reporter:
    """A client that registers, reports states and inventory without end, and keeps book of what was acknowledged."""

    def __init__(self, site, name, key, ballast_bytes=0):
        self.ballast = random.Random(name).randbytes(ballast_bytes // 2).hex()
        self.client = site.client(name, key)
        self.serial, self.acknowledged, self.inventory, self.unanswered = 0, set(), 0, None
        self.mark = uuid.uuid4().hex  # in each of its states: a registration begins the count of serials anew
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
                self.client.envelope("MP_RelayEndpoint", report(self.client, "state", state_message(self.serial, f"{self.mark}.{self.serial}")), mode="Async"),
                self.client.envelope("MP_HinvEndpoint", report(self.client, "hardware", processor(self.client, self.serial, self.ballast)), mode="Async"))
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
        rows = site.rows("SELECT parameters FROM states WHERE client = ?", packed(self.client.guid))
        found = [int(text.split(self.mark + ".")[1].split('"')[0]) for (text,) in rows if self.mark in text]
        assert len(found) == len(set(found)) and self.acknowledged <= set(found), (sorted(self.acknowledged)[-3:], found[-3:])
        assert len(site.rows("SELECT 1 FROM devices WHERE client = ?", packed(self.client.guid))) == 1
        newest = site.rows("SELECT properties FROM inventory WHERE client = ? AND properties LIKE '%model%'", packed(self.client.guid))
        assert self.inventory == 0 or len(newest) == 1, newest
        number = int(newest[0][0].split("model ")[1].split('"')[0]) if newest else 0
        assert self.inventory <= number <= self.serial, (number, self.inventory, self.serial)


def test_a_full_disk_refuses_reports_with_the_reason_and_takes_them_once_when_there_is_room(drive, site, keys):
    reporter = Reporter(site, "full", keys[0], ballast_bytes=400_000)
    reporter.step()
    reporter.step()
    drive.fill()
    try:
        with pytest.raises(requests.HTTPError) as refused:
            while True:
                reporter.step()
        assert refused.value.response.status_code == 503 and refused.value.response.headers["Retry-After"]
        assert "database or disk is full" in site.log()
        reporter.check(site)
    finally:
        drive.make_room()
    reporter.step()
    assert reporter.unanswered is None
    reporter.check(site)


@pytest.mark.parametrize("fault, moments", [("power", 4), ("kill", 12)])
def test_what_was_acknowledged_is_there_afterwards_and_a_retry_counts_once(drive, site, keys, fault, moments):
    chance = random.Random(SEED)
    reporters = [Reporter(site, f"{fault}{n}", key) for n, key in enumerate(keys)]
    for _ in range(moments):
        target = sum(r.serial for r in reporters) + chance.randrange(3, 30)
        threads = [threading.Thread(target=r.run_until_lost) for r in reporters]
        for thread in threads:
            thread.start()
        farlab.wait_for("some reports", lambda: sum(r.serial for r in reporters) >= target, 30, 0.001)
        if fault == "power":
            pull_the_plug(drive, site)
        site.kill()
        for thread in threads:
            thread.join()
        if fault == "power":
            drive.plug_in()
        site.start()
        for reporter in reporters:
            reporter.check(site)
            if reporter.unanswered:
                reporter.step()  # the same bytes again, as an honest client sends them
                assert reporter.unanswered is None and reporter.serial in reporter.acknowledged
            reporter.check(site)
    assert all(r.acknowledged for r in reporters)


class Upload:
    """A BITS client that sends `data` in fragments of seeded sizes."""

    def __init__(self, site, number, data):
        self.name = f"01234567-89AB-CDEF-0123-{number:012X}"
        self.url = f"{site.http}/CCM_Incoming/%7B{self.name}%7D"
        self.session = site.client("uploader").session
        self.stored = site.data / "uploads" / self.name / "data"
        self.data, self.chance, self.acknowledged = data, random.Random(number), 0
        created = self.packet("Create-Session", **{"BITS-Supported-Protocols": "{7df0354d-249b-430f-820d-3d2a9bef4931}"})
        assert created.status_code == 200, created.headers
        self.id = created.headers["BITS-Session-Id"]

    def packet(self, kind, data=b"", **headers):
        return self.session.request("BITS_POST", self.url, data=data, headers={"BITS-Packet-Type": kind, **headers}, timeout=30)

    def fragment(self, first, size):
        piece = self.data[first:first + size]
        return self.packet("Fragment", piece, **{"BITS-Session-Id": self.id, "Content-Range": f"bytes {first}-{first + len(piece) - 1}/{len(self.data)}"})

    def send(self):
        """Until all is acknowledged or an answer is none; that answer is given back."""
        while self.acknowledged < len(self.data):
            answer = self.fragment(self.acknowledged, self.chance.randrange(20_000, 200_000))
            if answer.status_code != 200:
                return answer
            self.acknowledged = int(answer.headers["BITS-Received-Content-Range"])
        return None

    def send_until_lost(self):
        with contextlib.suppress(requests.RequestException):
            self.send()

    def ask_where(self):
        """The server tells by 416 what it has (MC-BUP 3.2.5.2.6); a start that lies behind the end is no fragment it could take."""
        answer = self.fragment(len(self.data) - 1, 1)
        assert answer.status_code == 416, (answer.status_code, answer.headers)
        has = int(answer.headers["BITS-Received-Content-Range"])
        assert self.acknowledged <= has < len(self.data), (self.acknowledged, has)
        self.acknowledged = has

    def finish(self):
        assert self.send() is None
        assert self.packet("Close-Session", **{"BITS-Session-Id": self.id}).status_code == 200
        assert self.stored.read_bytes() == self.data


def test_an_upload_goes_on_behind_what_was_acknowledged_when_the_power_was_cut(drive, site):
    chance = random.Random(SEED)
    upload = Upload(site, 1, chance.randbytes(4 << 20))
    for moment in range(MOMENTS):
        sender = threading.Thread(target=upload.send_until_lost)
        sender.start()
        target = (moment << 20) + chance.randrange(1 << 20)
        farlab.wait_for("some fragments", lambda: upload.acknowledged >= target or not sender.is_alive(), 30, 0.001)
        pull_the_plug(drive, site)
        sender.join()
        drive.plug_in()
        site.start()
        if upload.acknowledged < len(upload.data):
            upload.ask_where()
    upload.finish()
    lose_power(drive, site)
    assert upload.stored.read_bytes() == upload.data
    assert upload.packet("Close-Session", **{"BITS-Session-Id": upload.id}).status_code == 200


def test_an_upload_into_a_full_disk_is_told_so_and_goes_on_when_there_is_room(drive, site):
    upload = Upload(site, 2, random.Random(SEED).randbytes(2 << 20))
    drive.fill(leave_bytes=600_000)
    try:
        answer = upload.send()
        assert answer.status_code == 500 and answer.headers["BITS-Packet-Type"] == "Ack", (answer.status_code, answer.headers)
        assert answer.headers["BITS-Error"].lower() == "0x80070112" and answer.headers["BITS-Error-Context"].lower() == "0x5"
        assert "No space left on device" in site.log() and "no space left for uploads" in site.log()
        assert 0 < upload.acknowledged < len(upload.data)
    finally:
        drive.make_room()
    upload.ask_where()
    upload.finish()


class Source:
    """A folder of random files, and how it must look to whoever reads it from a distribution point."""

    def __init__(self, folder, seed, megabytes=8, files=12):
        chance = random.Random(seed)
        self.folder, self.files = folder, {}
        for n in range(files):
            name = f"part{n % 3}/file{n}.bin"
            self.files[name] = chance.randbytes((megabytes << 20) // files + n)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(self.files[name])

    def check(self, site, reader, content_id, whole):
        """Never a wrong byte; `whole`: every file is served."""
        for name, data in self.files.items():
            answer = reader.get(f"{site.https}/SMS_DP_SMSPKG$/{content_id}/{name}")
            assert answer.status_code == 200 and answer.content == data or not whole and answer.status_code in (404, 500, 503), (
                content_id, name, answer.status_code, len(answer.content))


def bytes_below(*folders):
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
    return total


def test_no_half_content_is_ever_served_and_adding_again_heals(drive, site, tmp_path):
    chance = random.Random(SEED)
    reader = site.reader(tmp_path / "reader")
    whole = Source(tmp_path / "whole", 0)
    kept = site.farpoint_json("content", "add", "--source", whole.folder)["content_id"]
    sources = {kept: whole}
    folders = [site.data / "staging", site.data / "content"]
    for moment in range(MOMENTS):
        source = Source(tmp_path / f"source{moment}", moment + 1)
        target = bytes_below(*folders) + chance.randrange(16 << 20)
        with subprocess.Popen([farlab.BIN / "farpoint", "content", "add", "--source", source.folder], env=site.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
            farlab.wait_for("part of the content", lambda: command.poll() is not None or bytes_below(*folders) >= target, 30, 0.001)
            pull_the_plug(drive, site)
            command.kill()
        drive.plug_in()
        site.start()
        listed = {c["content_id"] for c in site.farpoint_json("content", "list")}
        served = set(re.findall(r"Content_[0-9a-fA-F-]{36}\.1", reader.get(f"{site.https}/SMS_DP_SMSPKG$/").text))
        assert kept in listed and kept in served
        whole.check(site, reader, kept, whole=True)
        for content_id in listed | served:  # what is new is this moment's
            sources.setdefault(content_id, source).check(site, reader, content_id, whole=False)
        again = site.farpoint_json("content", "add", "--source", source.folder)["content_id"]
        sources[again] = source
        farlab.wait_for("the content to be served", lambda c=again: reader.head(f"{site.https}/SMS_DP_SMSPKG$/{c}/part0/file0.bin").status_code == 200)
        source.check(site, reader, again, whole=True)


def test_content_for_a_full_disk_is_refused_with_what_is_missing_and_leaves_nothing(drive, site, tmp_path):
    source = Source(tmp_path / "source", 99, megabytes=24)
    before = {c["content_id"] for c in site.farpoint_json("content", "list")}
    folders = [site.data / "staging", site.data / "content" / "staging", site.data / "content" / "incoming"]
    staged = bytes_below(*folders)  # by uploads that earlier power cuts ended
    for leave in (10 << 20, 60 << 20):  # too little for the upload; for the upload, but not for the library
        drive.fill(leave_bytes=leave)
        try:
            done = site.farpoint("content", "add", "--source", source.folder, check=False)
            assert done.returncode != 0 and re.search(r"no room.*\d+ bytes needed.*\d+ free", done.stderr), done.stderr
            assert {c["content_id"] for c in site.farpoint_json("content", "list")} == before
            assert bytes_below(*folders) == staged
        finally:
            drive.make_room()
    site.farpoint("content", "add", "--source", source.folder)
