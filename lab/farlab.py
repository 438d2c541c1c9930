"""The laboratory: hosts that are real namespaces on real networks.

A network is a bridge in a namespace of its own. A host has its own network, mount, pid and host-name namespace and an
overlay root over this machine's, so that packages really are installed on it and nothing leaks out. Needs root.
Everything a Lab makes has its name in it and is gone after close(); several labs live side by side."""
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

BIN = pathlib.Path(os.environ.get("FARPOINT_BIN", pathlib.Path(__file__).resolve().parent.parent / "build" / "release"))
CLEAN_ENV = {"PATH": "/opt/farpoint:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}

DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "console", "kmsg", "kvm", "fuse", "net/tun")

# Starts systemd as the first process, as in a container: nothing of this machine's kernel, devices or units is its business.
SYSTEMD = """mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /tmp/boot_id /proc/sys/kernel/random/boot_id
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/system
for unit in systemd-sysctl.service systemd-modules-load.service systemd-binfmt.service systemd-remount-fs.service systemd-udevd.service \
    systemd-udev-trigger.service systemd-journal-flush.service systemd-sysusers.service systemd-tmpfiles-setup-dev.service tmp.mount \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
    sys-kernel-config.mount proc-sys-fs-binfmt_misc.automount cryptsetup.target; do
  ln -s /dev/null /run/systemd/system/$unit
done
rm -f /etc/systemd/system/*.wants/*
hostname > /etc/hostname
export container=farlab
exec /lib/systemd/systemd --system --unit=basic.target"""


def devices():
    """Shell: a /dev of the host's own. Only the devices themselves are this machine's, no folder in which a file could be left."""
    nodes = [name for name in DEVICES if pathlib.Path("/dev", name).exists()]
    return "\n".join([
        "mount -t tmpfs -o mode=755 tmpfs dev",
        "mkdir -m 1777 dev/shm dev/mqueue",
        "mkdir dev/pts dev/net",
        "mount -t tmpfs -o mode=1777 tmpfs dev/shm",
        "mount -t mqueue mqueue dev/mqueue",
        "mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts",
        "ln -s pts/ptmx dev/ptmx",
        *(f"ln -s /proc/self/{to} dev/{name}" for name, to in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"))),
        *(f"touch dev/{name}; mount --bind /dev/{name} dev/{name}" for name in nodes)])


def control_groups():
    """Where the unified tree of control groups is mounted."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    raise RuntimeError("no unified control groups on this machine")


def remove_groups(top):
    """Removes a tree of control groups; False while a process is still in it."""
    try:
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)
    except OSError:
        return False
    return True


def sh(*command, check=True, **options):
    done = subprocess.run(list(map(str, command)), check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if check and done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def wait_for(what, condition, timeout_s=60.0, every_s=0.05):
    """Polls `condition` until it returns something true, which it gives back; names `what` where it never does."""
    end = time.monotonic() + timeout_s
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (RuntimeError, OSError, ValueError, KeyError, IndexError) as error:
            last = error
        threading.Event().wait(every_s)
    raise TimeoutError(f"waited {timeout_s:.0f} s for: {what}" + (f" (last: {last})" if last else ""))


class Network:
    """`gateway` and `dns`: what a host learns when it is plugged in, as by DHCP. With `dns` it asks that server for every name;
    without, the lab writes the names of all hosts into its /etc/hosts."""

    def __init__(self, lab, name, subnet, gateway=None, dns=None):
        self.lab, self.name, self.subnet, self.gateway, self.dns = lab, name, subnet, gateway, dns
        self.namespace = f"{lab.name}-net-{name}"
        sh("ip", "netns", "add", self.namespace)
        sh("ip", "-n", self.namespace, "link", "add", "br0", "type", "bridge")
        sh("ip", "-n", self.namespace, "link", "set", "br0", "up")

    def destroy(self):
        sh("ip", "netns", "del", self.namespace, check=False)


class Host:
    """One machine. `names`: what its /etc/hosts knows; the lab fills in every other host's names too. With a disk of its own
    (disk.Disk) it can lose what it did not sync. With `systemd` that is its first process, and systemctl does what it does on a
    real machine. /mnt outlives everything: where a test keeps count."""

    def __init__(self, lab, name, fqdn, disk=None, systemd=False):
        self.lab, self.name, self.fqdn, self.systemd = lab, name, fqdn, systemd
        self.namespace = f"{lab.name}-{name}"
        self.dir = lab.dir / name
        self.init = None
        self.links = {}
        self.background = []
        self.boots = 0
        self.dir.mkdir(parents=True)
        sh("mount", "-t", "tmpfs", "-o", "size=3g", "farlab", self.dir)
        self.disk = disk
        self.storage = disk.mount_point if disk else self.dir
        for part in (self.storage / "upper", self.storage / "work", self.dir / "root", self.dir / "mnt"):
            part.mkdir()
        sh("ip", "netns", "add", self.namespace)
        sh("ip", "-n", self.namespace, "link", "set", "lo", "up")

    # --- network -----------------------------------------------------------------------------------------------
    def plug(self, network, address, gateway=None):
        """Connects the host to a network; `address` with its prefix length."""
        taken = {device for device, _ in self.links.values()}
        device = next(f"e{n}" for n in range(9) if f"e{n}" not in taken)
        port = f"p{self.lab.next_port()}"
        sh("ip", "link", "add", port, "type", "veth", "peer", "name", f"{port}h")
        sh("ip", "link", "set", port, "netns", network.namespace)
        sh("ip", "-n", network.namespace, "link", "set", port, "master", "br0", "up")
        sh("ip", "link", "set", f"{port}h", "netns", self.namespace)
        sh("ip", "-n", self.namespace, "link", "set", f"{port}h", "name", device)
        sh("ip", "-n", self.namespace, "addr", "add", address, "dev", device)
        sh("ip", "-n", self.namespace, "link", "set", device, "up")
        gateway = gateway or network.gateway
        if gateway and gateway != address.split("/")[0] and not self.links:
            sh("ip", "-n", self.namespace, "route", "add", "default", "via", gateway)
        self.links[network.name] = (device, address)
        self.lab.refresh_hosts()

    def unplug(self, network):
        device, _ = self.links.pop(network.name)
        sh("ip", "-n", self.namespace, "link", "del", device)
        self.lab.refresh_hosts()

    @property
    def address(self):
        return next(iter(self.links.values()))[1].split("/")[0]

    # --- life --------------------------------------------------------------------------------------------------
    def boot(self):
        """Starts the host's first process, with a fresh boot id. The disk (overlay) is what it was."""
        assert self.init is None, f"{self.name} runs already"
        self.boots += 1
        boot_id = self.dir / "boot_id"
        boot_id.write_text(str(uuid.uuid4()) + "\n")
        script = f"""set -e
hostname {shlex.quote(self.fqdn)}
mount --make-rprivate /
mount -t overlay farlab -o lowerdir=/,upperdir={self.storage}/upper,workdir={self.storage}/work {self.dir}/root
cd {self.dir}/root
mkdir -p opt/farpoint oldroot run tmp dev proc sys mnt
mount --bind {self.dir}/mnt mnt
mount --bind {shlex.quote(str(BIN))} opt/farpoint
mount -o remount,bind,ro opt/farpoint
{devices()}
mount -t proc proc proc
{"" if self.systemd else f"mount --bind {boot_id} proc/sys/kernel/random/boot_id"}
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
cp {boot_id} tmp/boot_id
pivot_root . oldroot
cd /
umount -l /oldroot
touch /run/booted
{SYSTEMD if self.systemd else "exec sleep infinity"}
"""
        own = ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        if self.systemd:  # it wants a tree of control groups of its own
            self.groups = control_groups() / self.namespace
            self.groups.mkdir(exist_ok=True)
            own = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', self.groups, *own, "--cgroup"]
        self.init = subprocess.Popen(
            [*own, "sh", "-c", script],
            env=CLEAN_ENV, stdin=subprocess.DEVNULL, stdout=open(self.dir / "boot.log", "ab"), stderr=subprocess.STDOUT)
        self.pid = wait_for(f"{self.name} to boot", self._find_pid, 20)
        wait_for(f"{self.name} to mount its disk", lambda: not self.run("test", "-e", "/run/booted", check=False).returncode, 20)
        self.lab.refresh_hosts()
        return self

    def _find_pid(self):
        if self.init.poll() is not None:
            raise RuntimeError((self.dir / "boot.log").read_text())
        children = pathlib.Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children").read_text().split()
        if not children:
            return None
        name = pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip()
        return int(children[0]) if name == ("systemd" if self.systemd else "sleep") else None

    def power_off(self):
        """Kills every process of the host at once, as a pulled plug would."""
        if self.init is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.init.wait(timeout=20)
        for process in self.background:
            process.wait(timeout=20)
        self.background.clear()
        self.init = None
        if self.systemd:  # a group goes once its last process was reaped
            wait_for(f"the control groups of {self.name} to empty", lambda: remove_groups(self.groups), 20)

    def pull_the_plug(self):
        """Power loss: what was not synced is gone. The next start is boot_again()."""
        namespace = os.readlink(f"/proc/{self.pid}/ns/pid")
        pids = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(folder / "ns/pid") == namespace:
                    pids.append(int(folder.name))
        self.disk.pull_the_plug(pids)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for process in (self.init, *self.background):  # unshare and nsenter stop when their child does
            process.send_signal(signal.SIGCONT)
        self.power_off()

    def boot_again(self):
        self.disk.plug_in()
        return self.boot()

    def reboot(self):
        self.power_off()
        return self.boot()

    # --- work --------------------------------------------------------------------------------------------------
    def _enter(self, command):
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n", *(["-C"] if self.systemd else []), "--", *map(str, command)]

    def run(self, *command, check=True, timeout=120, stdin=None, env=None):
        done = subprocess.run(self._enter(command), check=False, text=True, input=stdin, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**CLEAN_ENV, **(env or {})}, errors="replace")
        if check and done.returncode:
            raise RuntimeError(f"{self.name}$ {shlex.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def out(self, *command, **options):
        return self.run(*command, **options).stdout.strip()

    def start(self, *command, log="daemon.log", env=None):
        """Runs in the background; its output goes to <host folder>/<log> on this machine."""
        process = subprocess.Popen(self._enter(command), env={**CLEAN_ENV, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=open(self.dir / log, "ab"), stderr=subprocess.STDOUT)
        self.background.append(process)
        return process

    def stop(self, process, with_signal=signal.SIGTERM):
        """Ends a started process (nsenter's child is the program itself) and waits for it."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it may just have ended by itself
            for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() or [str(process.pid)]:
                os.kill(int(child), with_signal)
        process.wait(timeout=30)
        if process in self.background:
            self.background.remove(process)

    def log(self, name="daemon.log"):
        path = self.dir / name
        return path.read_text(errors="replace") if path.exists() else ""

    def write(self, path, text, mode=0o644):
        data = text.encode() if isinstance(text, str) else text
        subprocess.run(self._enter(["sh", "-c", f"mkdir -p \"$(dirname {shlex.quote(str(path))})\" && cat > {shlex.quote(str(path))} && chmod {mode:o} {shlex.quote(str(path))}"]),
                       input=data, check=True, env=CLEAN_ENV)

    def read(self, path):
        return self.out("cat", path)

    def copy_from(self, other, source, target, mode=0o644):
        data = subprocess.run(other._enter(["cat", source]), check=True, stdout=subprocess.PIPE, env=CLEAN_ENV).stdout
        self.write(target, data, mode)

    def destroy(self):
        self.power_off()
        sh("ip", "netns", "del", self.namespace, check=False)
        sh("umount", "-l", self.dir, check=False)


class Lab:
    def __init__(self, name=None):
        self.name = name or f"fp{uuid.uuid4().hex[:5]}"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"farlab-{self.name}-"))
        self.hosts, self.networks, self.disks, self.ports = {}, {}, [], 0

    def next_port(self):
        self.ports += 1
        return f"{self.name[2:]}{self.ports}"

    def network(self, name, subnet, gateway=None, dns=None):
        self.networks[name] = Network(self, name, subnet, gateway, dns)
        return self.networks[name]

    def disk(self, name, megabytes):
        from disk import Disk  # which stands on this file
        self.disks.append(Disk(self.dir, megabytes, name))
        return self.disks[-1]

    def host(self, name, fqdn, network, address, gateway=None, disk=None, systemd=False):
        host = Host(self, name, fqdn, disk, systemd)
        self.hosts[name] = host
        host.plug(network, address, gateway)
        return host.boot()

    def refresh_hosts(self):
        """What every running host knows of names: the server of its network, or else all names in /etc/hosts."""
        everybody = [f"{host.address} {host.fqdn} {host.name}" for host in self.hosts.values() if host.links]
        for host in self.hosts.values():
            if host.init is None or host.init.poll() is not None:
                continue
            servers = [self.networks[name].dns for name in host.links if self.networks[name].dns]
            by_server = any(network.dns for network in self.networks.values())
            known = [f"{host.address} {host.fqdn} {host.name}"] if by_server and host.links else [] if by_server else everybody
            host.write("/etc/hosts", "\n".join(["127.0.0.1 localhost", *known]) + "\n")
            if by_server:
                host.write("/etc/resolv.conf", "".join(f"nameserver {s}\n" for s in servers) + "options timeout:1 attempts:2\n")

    def close(self):
        for host in self.hosts.values():
            host.destroy()
        for network in self.networks.values():
            network.destroy()
        for disk in self.disks:
            disk.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
