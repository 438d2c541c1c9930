"""The distribution point as programs that we did not write see it: curl, aria2c, rclone, cadaver, and the patterns of listings."""
import hashlib
import os
import re
import subprocess

import pytest

PACKAGE = "LAB00002.1"
FILES = {"readme.txt", "empty.dat", "sub/small.txt", "large.bin"}


def run(*command, **more):
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=120, env=environment, **more)


def url(site, path=""):
    return f"{site.http}/SMS_DP_SMSPKG$/{PACKAGE}{path}"


@pytest.fixture(scope="module")
def manifest(open_site):
    reply = open_site.session().get(url(open_site, ".manifest"))
    assert reply.status_code == 200
    return {file["path"]: file for file in reply.json()["files"]}


def check_tree(folder, manifest):
    for path, file in manifest.items():
        data = (folder / path).read_bytes()
        assert len(data) == file["size"] and hashlib.sha256(data).hexdigest() == file["sha256"], path


def test_the_sample_package_has_its_files(manifest):
    assert set(manifest) == FILES


def test_curl_takes_a_file_in_pieces_and_goes_on_where_it_stopped(open_site, manifest, tmp_path):
    target = tmp_path / "large.bin"
    run("curl", "-fsS", "-r", "0-99999", "-o", target, url(open_site, "/large.bin"))
    assert target.stat().st_size == 100000
    run("curl", "-fsS", "-C", "-", "-o", target, url(open_site, "/large.bin"))
    assert hashlib.sha256(target.read_bytes()).hexdigest() == manifest["large.bin"]["sha256"]


def test_curl_gets_several_ranges_in_their_order(open_site):
    body = run("curl", "-fsS", "-r", "9-14,0-7", url(open_site, "/readme.txt")).stdout
    assert re.findall(rb"Content-Range: (bytes [^\r]+)\r\n\r\n([^\r]*)\r\n", body) == [
        (b"bytes 9-14/16", b"sample"), (b"bytes 0-7/16", b"Farpoint")]


def test_aria2c_takes_a_file_over_four_connections(open_site, manifest, tmp_path):
    run("aria2c", "-x4", "-s4", "-k1M", "--no-conf", "--check-integrity=true",
        f"--checksum=sha-256={manifest['large.bin']['sha256']}", "-d", tmp_path, "-o", "large.bin", url(open_site, "/large.bin"))
    assert (tmp_path / "large.bin").stat().st_size == manifest["large.bin"]["size"]


def test_rclone_lists_and_copies_the_whole_tree_by_webdav(open_site, manifest, tmp_path):
    options = ["--config", tmp_path / "none", "--webdav-url", url(open_site), "--webdav-vendor", "other"]
    listed = run("rclone", *options, "lsf", "-R", "--files-only", ":webdav:").stdout.decode().split()
    assert set(listed) == FILES
    run("rclone", *options, "copy", ":webdav:", tmp_path / "tree")
    check_tree(tmp_path / "tree", manifest)


def test_cadaver_lists_and_gets(open_site, tmp_path):
    script = f"ls\ncd sub\nls\nget small.txt {tmp_path}/small.txt\nquit\n"
    out = run("cadaver", url(open_site) + "/", input=script.encode(), cwd=tmp_path).stdout.decode()
    assert "large.bin" in out and re.search(r"Coll:\s+sub", out) and "small.txt" in out
    assert (tmp_path / "small.txt").read_text() == "in a folder of its own\n"


def test_the_listing_is_read_by_the_patterns_of_other_programs(open_site):
    page = open_site.session().get(url(open_site, "/")).text
    files = re.findall(r'\d+ <a href="(http://[^"]*)">', page)
    folders = re.findall(r'&lt;dir&gt <a href="(http://[^"]*)">', page)
    assert {f.rsplit("/", 1)[1] for f in files} == {"readme.txt", "empty.dat", "large.bin"}
    assert [f.rsplit("/", 1)[1] for f in folders] == ["sub"]
    page = open_site.session().get(f"{open_site.http}/sms_dp_smspkg%24/Datalib").text
    ids = [h.rsplit("/", 1)[1] for h in re.findall(r'href="([^"]*)"', page)]
    assert PACKAGE in [i for i in ids if not i.upper().endswith(".INI")]


def test_an_ini_of_the_data_library_leads_to_the_bytes(open_site):
    base = f"{open_site.http}/SMS_DP_SMSPKG$"
    ini = open_site.session().get(f"{base}/Datalib/{PACKAGE}/readme.txt.INI").text
    name = re.search(r"Hash=([0-9A-F]{64})", ini).group(1)
    assert open_site.session().get(f"{base}/FileLib/{name[:4]}/{name}").text == "Farpoint sample\n"


def test_the_status_probe_tells_how_the_point_is_set(open_site, closed_site):
    assert open_site.session().get(f"{open_site.http}/SMS_DP_SMSPKG$/no-such-thing").status_code == 404
    reply = closed_site.session().get(f"{closed_site.https}/SMS_DP_SMSPKG$/no-such-thing")
    assert (reply.status_code, reply.reason) == (403, "Client certificate required")
    assert closed_site.session(1).get(f"{closed_site.https}/SMS_DP_SMSPKG$/no-such-thing").status_code == 404


def test_a_client_with_a_certificate_gets_content_and_cannot_push(closed_site):
    base = f"{closed_site.https}/SMS_DP_SMSPKG$/{PACKAGE}"
    assert closed_site.session(1).get(f"{base}/readme.txt").text == "Farpoint sample\n"
    assert closed_site.session().get(f"{base}/readme.txt").status_code == 403
    assert closed_site.session(1).delete(f"{closed_site.https}/farpoint/dp/v1/contents/{PACKAGE}").status_code == 403
    assert closed_site.session(1).put(f"{base}/readme.txt", data=b"x").status_code == 405
    assert closed_site.session(1).get(f"{base}/readme.txt").status_code == 200
