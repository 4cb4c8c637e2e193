"""Disks that fail: what the fault tests stand on beside the end-to-end harness.

An Image is an ext4 file system in a file, mounted through a loop device as the box's storage. A
ServedImage has a server between the loop device and the file (nbdkit, seen by the kernel through
nbdfuse) that refuses reads or writes, stands still, or forgets what it has not been told to flush.

main() gives every test a mount namespace of its own: what a killed test leaves mounted goes with
its last process. Where the kernel or the user may not, the tests are skipped and say why.
"""

import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness  # noqa: E402  (the line above finds it)
from harness import wait_until  # noqa: E402

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
EXT4_GOING_FLAGS_NOLOGFLUSH = 2  # nothing in memory reaches the disk, the journal neither
CONNECTING_S = 2 * harness.SLOWER
OWN_MOUNTS = "ROADWATCH_TEST_OWN_MOUNTS"


class Refused(Exception):
    """The machine does not let us: a reason to skip, not a failure."""


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused("%s: %s" % (" ".join(command[:3]), done.stderr.strip()))
    return done.stdout.strip()


def loop_device(path, *options):
    """Its own device again where the file has one: a disk that comes back is the same disk."""
    device = run("losetup", "--associated", path, "--output", "NAME", "--noheadings")
    return device or run("losetup", "--find", "--show", *options, path)


def mount_loop(device, where, options):
    """The device goes by itself with the last who uses it."""
    try:
        run("mount", "-t", "ext4", "-o", options, device, where)
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)


def forget_cached(path):
    """Its pages (of all files, if a folder) leave the memory where they are clean: the next read
    asks the disk."""
    files = [os.path.join(d, f) for d, _, names in os.walk(path) for f in names] or [path]
    for file in files:
        fd = os.open(file, os.O_RDONLY)
        try:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)


BLOCK = 4096  # a page: a file system of smaller blocks has two files in one


class Image:
    """options: of mkfs.ext4."""

    def __init__(self, size, *options, mount_options="defaults"):
        self.folder = tempfile.mkdtemp(prefix="roadwatch-disk.")
        self.path = os.path.join(self.folder, "image")
        self.mount_options = mount_options
        run("truncate", "--size", size, self.path)
        run("mkfs.ext4", "-q", "-F", "-b", str(BLOCK), *options, self.path)

    def mount(self, where):
        os.makedirs(where, exist_ok=True)
        mount_loop(loop_device(self.path), where, self.mount_options)

    def unmount(self, where):
        """The last process may need a moment to be gone."""
        wait_until(lambda: not os.path.ismount(where) or
                   subprocess.run(["umount", where], capture_output=True,
                                  check=False).returncode == 0, 20, "%s to be free" % where)

    def take_away(self, where):
        """As a plug that is pulled: who has files open there keeps them."""
        run("umount", "--lazy", where)

    def cut_power(self, where):
        """What is in memory, journal included, never reaches the disk; who asks is refused."""
        fd = os.open(where, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        except OSError as error:
            raise Refused("EXT4_IOC_SHUTDOWN: %s" % error) from error
        finally:
            os.close(fd)

    def repair(self):
        """fsck.ext4 as the boot scripts do; a disk that it cannot mend is an error."""
        done = subprocess.run(["fsck.ext4", "-p", self.path], capture_output=True, text=True,
                              check=False)
        if done.returncode & ~1:
            raise AssertionError("fsck.ext4: " + done.stdout + done.stderr)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class ServedImage(Image):
    """The same image behind a server. forgetful: writes stay in the server's memory until a flush,
    as in a disk's own cache."""

    OPERATIONS = {"read": ("pread",), "write": ("pwrite", "zero", "trim")}

    def __init__(self, image, forgetful=False):  # pylint: disable=super-init-not-called
        for program in ("nbdkit", "nbdfuse"):
            if not shutil.which(program):
                raise Refused(program + " is not installed")
        self.folder, self.path, self.mount_options = image.folder, image.path, image.mount_options
        self.forgetful = forgetful
        self.seen = os.path.join(self.folder, "seen")
        self.socket = os.path.join(self.folder, "socket")
        self.server = None
        self.viewer = None
        self.once = None
        self.bad_sectors = None  # a map of GNU ddrescue
        self.refusals = 0
        os.makedirs(self.seen)

    def switch(self, what):
        return os.path.join(self.folder, "refuse-" + what)

    def spoil(self, file):
        """From the next mount on the sectors below the file cannot be read until they are written;
        what is written then is lost at the end. The system reads whole pages: files beside it are
        spared because blocks are that large."""
        listed = run("filefrag", "-v", "-b%d" % BLOCK, file)
        extents = [tuple(int(n) for n in re.findall(r"\d+", line)[3:6:2])
                   for line in listed.splitlines() if re.match(r"\s*\d+:", line)]
        size = os.path.getsize(self.path)
        self.bad_sectors = os.path.join(self.folder, "bad-sectors")
        with open(self.bad_sectors, "w", encoding="ascii") as table:
            table.write("0x0 + 1\n")
            at = 0
            for start, count in sorted(extents):
                table.write("0x%x 0x%x +\n" % (at, start * BLOCK - at))
                at = (start + count) * BLOCK
                table.write("0x%x 0x%x -\n" % (start * BLOCK, count * BLOCK))
            table.write("0x%x 0x%x +\n" % (at, size - at))

    def filters(self):
        if self.bad_sectors:
            return ["--filter=cow", "--filter=ddrescue", "file", self.path,
                    "ddrescue-mapfile=" + self.bad_sectors]
        if self.forgetful:
            return ["--filter=cache", "file", self.path, "cache=writeback",
                    "cache-min-block-size=4096"]
        rules = []
        for what, operations in self.OPERATIONS.items():
            for operation in operations:
                rules += ["error-%s-rate=100%%" % operation,
                          "error-%s-file=%s" % (operation, self.switch(what))]
        return ["--filter=error", "file", self.path, "error=EIO"] + rules

    def serve(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.server = subprocess.Popen(
            ["nbdkit", "--foreground", "--exit-with-parent", "--unix", self.socket]
            + self.filters(), stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=self.folder))
        threading.Thread(target=self.listen, args=[self.server.stderr], daemon=True).start()
        wait_until(lambda: os.path.exists(self.socket), 10, "nbdkit")
        self.viewer = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "nbdfuse", self.seen, "--unix", self.socket],
            stderr=subprocess.DEVNULL)
        wait_until(self.seen_or_refused, 10, "nbdfuse")

    def seen_or_refused(self):
        if self.viewer.poll() is not None:
            raise Refused("nbdfuse: FUSE is refused here")
        return os.path.exists(self.seen + "/nbd")

    def mount(self, where):
        os.makedirs(where, exist_ok=True)
        if not self.server:
            self.serve()
        # direct: the kernel does not keep a second copy of what the disk says
        mount_loop(loop_device(self.seen + "/nbd", "--direct-io=on"), where, self.mount_options)

    def refuse(self, what):
        """what: read or write. Every such request is answered with EIO from now on."""
        with open(self.switch(what), "wb"):
            pass

    def refuse_once(self, what):
        """The first such request, and those of the same millisecond."""
        self.once = what
        self.refuse(what)

    def obey(self, what):
        os.unlink(self.switch(what))

    def listen(self, stderr):
        """The server says each refusal."""
        for _ in stderr:
            self.refusals += 1
            if self.once:
                self.obey(self.once)
                self.once = None

    def stand_still(self):
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.server.send_signal(signal.SIGCONT)

    def cut_power(self, where):
        self.server.kill()
        super().cut_power(where)

    def unmount(self, where):
        super().unmount(where)
        self.end_service()

    def end_service(self):
        if self.viewer:
            subprocess.run(["umount", "--lazy", self.seen], capture_output=True, check=False)
            harness.end_process(self.viewer)
        if self.server:
            self.go_on()
            harness.end_process(self.server)
        self.server = self.viewer = None

    def close(self):
        self.end_service()
        super().close()


class Box(harness.Box):
    """Its sockets are not on the disk that fails, as under systemd."""

    def environment(self):
        return dict(super().environment(), RUNTIME_DIRECTORY=os.path.join(self.folder, "run"))

    def mount(self, disk):
        disk.mount(self.storage)
        self.mounts = [self.storage]

    def unmount(self, disk):
        disk.unmount(self.storage)
        self.mounts = []

    def kill_hard(self):
        """kill -9 of everything; nobody gets to say goodbye."""
        def gone():
            self.kill_all()
            return not self.pids()
        self.main.kill()
        wait_until(gone, 10, "the box's processes to be gone")
        self.main.wait()
        self.main = None


class Case(harness.Case):
    """A test with one box and the disks it asks for; they go after the box."""

    def setUp(self):
        self.disks = []
        self.addCleanup(self.close_disks)
        self.box = Box()
        self.addCleanup(self.put_away, self.box)

    def close_disks(self):
        for disk in self.disks:
            disk.close()

    def make_disk(self, kind, *how, **more):
        try:
            disk = kind(*how, **more)
        except (Refused, FileNotFoundError) as why:
            self.skipTest(str(why))
        self.disks.append(disk)
        return disk

    def record_on(self, disk):
        """The box's storage is this disk."""
        try:
            self.box.mount(disk)
        except Refused as why:
            self.skipTest(str(why))

    def assert_told(self, camera, words, timeout_s=10):
        """`status` says so within 10 s, in its reason; returns the reason."""
        def told():
            status = self.box.status(camera)
            return status["reason"] if all(w in status["reason"] for w in words) else None
        return wait_until(told, timeout_s, "%s to say %s" % (camera, words))

    def assert_ledger(self, began, *causes, camera="gate", streams=("main", "sub")):
        """It adds up since then, and what is missing has one of these causes."""
        for stream in streams:
            coverage = self.box.coverage(camera, began, harness.now(), stream)
            self.assert_adds_up(coverage)
            self.assert_causes(coverage, *causes)

    def assert_causes(self, coverage, *allowed):
        """No other cause, but for the moment that a start takes to reach a camera."""
        others = [g for g in coverage["gaps"] if g["cause"] not in allowed and not
                  (g["cause"] == "camera-lost" and harness.seconds(g) < CONNECTING_S)]
        self.assertEqual(others, [], "gaps of other causes than %s" % (allowed,))


def main():
    if OWN_MOUNTS not in os.environ and \
            subprocess.run(["unshare", "--mount", "true"], capture_output=True,
                           check=False).returncode == 0:
        os.environ[OWN_MOUNTS] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable] + sys.argv)
    harness.main()
