"""A disk of its own for whoever must lose it: ext4 on a loop device over a sparse file. Needs root.

pull_the_plug() is what a pulled power cord is: the ext4 shutdown ioctl stops the journal where it is, so everything that was
not synced is gone, and every later read and write fails. plug_in() mounts again, replaying the journal as a boot would, after
the file system checker agreed. fill() and make_room() are for the disk that is full in the middle of something."""
import contextlib
import errno
import fcntl
import os
import pathlib
import signal
import struct
import subprocess

import farlab

EXT4_IOC_SHUTDOWN = 0x8004587D     # _IOR('X', 125, __u32)
GOING_DOWN_WITHOUT_LOG_FLUSH = 2   # 0 and 1 would save what must be lost
BALLAST = ".ballast"
E2FSCK_OPERATIONAL_ERROR = 8


def stands_still(pid):
    """All threads of a process that got SIGSTOP; one that is inside an fsync comes to it only when that has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return all((thread / "stat").read_text().rsplit(")", 1)[1].split()[0] in "TtZX" for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())
    return True


class Disk:
    """`folder` gets the image and the mount point; close() leaves neither mount nor loop device, whatever happened."""

    def __init__(self, folder, megabytes=256, name="disk"):
        self.image = pathlib.Path(folder) / f"{name}.img"
        self.mount_point = pathlib.Path(folder) / name
        self.mount_point.mkdir(parents=True)
        self.device = None
        with open(self.image, "wb") as image:
            image.truncate(megabytes << 20)
        farlab.sh("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        try:
            self.device = farlab.sh("losetup", "-f", "--show", self.image).strip()
            self._mount()
        except BaseException:
            self.close()
            raise

    def _mount(self):
        # commit=300: nothing but a sync brings anything to the disk while a test runs.
        farlab.sh("mount", "-t", "ext4", "-o", "noatime,commit=300", self.device, self.mount_point)

    def __truediv__(self, name):
        return self.mount_point / name

    def pull_the_plug(self, pids):
        """From here on nothing reaches the disk. `pids`: what runs on it. It stops first, as everything does without power: an
        fsync that is under way may be told that it succeeded when it did not, and nobody must act on that. To be killed before
        plug_in()."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        farlab.wait_for("every thread to stand still", lambda: all(stands_still(pid) for pid in pids), 20)
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", GOING_DOWN_WITHOUT_LOG_FLUSH))
        finally:
            os.close(fd)

    def plug_in(self):
        """Journal replay, check, mount: the disk as the next boot finds it."""
        farlab.wait_for("nobody to hold the dead disk", self._unmount, 20)
        farlab.wait_for("the dead disk to be let go of by every namespace", self._check, 60)
        self._mount()

    def _unmount(self):
        return subprocess.run(["umount", self.mount_point], check=False, capture_output=True).returncode == 0

    def _check(self):
        """False while it is in use: whoever makes a host in another test holds a copy of every mount until its root is its own."""
        checked = subprocess.run(["e2fsck", "-p", self.device], check=False, capture_output=True, text=True)
        said = checked.stdout + checked.stderr
        if checked.returncode == E2FSCK_OPERATIONAL_ERROR and "in use" in said:
            return False
        if checked.returncode not in (0, 1):
            raise RuntimeError(f"e2fsck: {checked.returncode}\n{said}")
        return True

    def fill(self, leave_bytes=0):
        """Takes all free space but `leave_bytes` (to a block)."""
        farlab.sh("sync", "-f", self.mount_point)  # what is still held back gets its blocks first
        fd = os.open(self / BALLAST, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            step = 1 << 26
            while step >= 1024:
                space = os.fstatvfs(fd)
                if space.f_bavail * space.f_frsize - step < leave_bytes:
                    step //= 2
                    continue
                try:
                    os.posix_fallocate(fd, os.fstat(fd).st_size, step)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
        finally:
            os.close(fd)

    def make_room(self):
        (self / BALLAST).unlink(missing_ok=True)

    def free_bytes(self):
        space = os.statvfs(self.mount_point)
        return space.f_bavail * space.f_frsize

    def close(self):
        if self.device:
            if os.path.ismount(self.mount_point) and not self._unmount():
                farlab.sh("umount", "-l", self.mount_point, check=False)
            farlab.sh("losetup", "-d", self.device, check=False)
            self.device = None
        self.image.unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
