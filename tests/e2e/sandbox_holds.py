"""Each role, taken over, attacks the box: every attempt is refused or ends that process, nobody else
is disturbed, and the one that ended comes back.

The attacker (tests/support/attacker.c) is loaded into the real program and does in each role what the
board tells it to, after that role has given up its power.
"""

import ctypes
import mmap
import os
import signal
import socket
import struct

import harness
from harness import let_pass, now, wait_until

LIBRARY = os.path.join(os.path.dirname(harness.CAMERAS), "libattacker.so")
ROW = struct.Struct("56s32sii")
ROWS = 64
UNTRIED, BEGUN, DONE = range(3)
KILLED = "killed"
FILES = ("read-passwd", "make-stray", "read-other", "write-other", "read-memory")
LANDLOCK_ABI = 444  # landlock_create_ruleset(2): the number is the same on every machine


def landlock_abi():
    """0: this kernel has none that is used (src/base/sandbox.c)."""
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(LANDLOCK_ABI, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return abi if abi >= 2 else 0


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Board:
    def __init__(self, path, plan):
        self.rows = plan
        with open(path, "wb") as f:
            for who, what in plan:
                f.write(ROW.pack(who.encode(), what.encode(), UNTRIED, 0))
            f.write(bytes((ROWS - len(plan)) * ROW.size))
        with open(path, "rb") as f:
            self.memory = mmap.mmap(f.fileno(), ROWS * ROW.size, access=mmap.ACCESS_READ)

    def row(self, who, what):
        at = self.rows.index((who, what)) * ROW.size
        return ROW.unpack(self.memory[at:at + ROW.size])[2:]

    def settled(self, who, what):
        """It came to something, or who tried it is dead."""
        state, result = self.row(who, what)
        return state == DONE or (state == BEGUN and not alive(result))

    def all_settled(self):
        return all(self.settled(*row) for row in self.rows)


class SandboxHolds(harness.Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(LIBRARY):
            self.skipTest(LIBRARY + " is not built")
        self.abi = landlock_abi()
        if not os.path.exists("/proc/sys/kernel/seccomp/actions_avail"):
            self.skipTest("this machine has no seccomp")
        if not self.abi:
            print("this machine refuses landlock: what it guards is not attacked")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.server = self.box.add_server({"gate/main": "street-360", "x": "street-180"})
        self.box.add_camera(self.server, "gate")
        self.stray = os.path.join(self.box.folder, "stray")

    def add_victim(self, camera):
        self.box.add_camera(self.server, camera, main="x", detect={"enabled": False})

    def attack(self, *plan):
        """Starts the service with these attacks in it, and waits until all were tried."""
        plan = [(who, what) for who, what in plan if not self.impossible(what)]
        self.board = Board(os.path.join(self.box.folder, "board"), plan)
        other = os.path.join(self.box.storage, "gate", "index.db")
        self.start_gate_first(other)
        self.box.more_environment.update(
            LD_PRELOAD=LIBRARY, ATTACK_BOARD=os.path.join(self.box.folder, "board"),
            ATTACK_PORT=str(self.listener.getsockname()[1]), ATTACK_STRAY=self.stray,
            ATTACK_DOOR=os.path.join(self.box.storage, "run", "gate.sock"), ATTACK_OTHER=other)
        self.box.start()
        wait_until(self.board.all_settled, 60, "every attack to be tried")

    def start_gate_first(self, index):
        """What is to be attacked has to be there."""
        victims = self.box.config["cameras"][1:]
        mqtt = self.box.config.pop("mqtt", None)
        del self.box.config["cameras"][1:]
        self.box.start()
        self.box.wait_recording("gate")
        self.box.stop()
        self.box.config["cameras"] += victims
        if mqtt:
            self.box.config["mqtt"] = mqtt
        self.assertTrue(os.path.exists(index))

    def impossible(self, what):
        return (what in FILES and not self.abi) or (what == "tcp" and self.abi < 4)

    def outcome(self, who, what):
        """errno's name, or KILLED."""
        state, result = self.board.row(who, what)
        if state == BEGUN:
            return KILLED
        self.assertEqual(state, DONE, (who, what))
        return os.strerror(result) if result else "succeeded"

    def assert_denied(self):
        outcomes = {row: self.outcome(*row) for row in self.board.rows}
        for row, came in outcomes.items():
            print("%-22s %-12s %s" % (*row, came))
        self.assertNotIn("succeeded", outcomes.values())
        self.assertFalse(os.path.exists(self.stray))
        self.listener.setblocking(False)
        self.assertRaises(BlockingIOError, self.listener.accept)
        return outcomes

    def assert_gate_undisturbed(self, pid, since):
        self.assertEqual(self.box.pid("camera", "gate"), pid)
        coverage = self.box.coverage("gate", since, now())
        self.assertEqual(len(coverage["spans"]), 1, coverage)

    def test_a_camera(self):
        attacks = [*FILES, "exec", "fork", "ptrace", "signal", "tcp", "raw", "packet", "netlink"]
        for attack in attacks:
            self.add_victim(attack)
        self.attack(*(("camera " + a, a) for a in attacks))
        self.box.wait_recording("gate")
        since, pid = now(), self.box.pid("camera", "gate")
        outcomes = self.assert_denied()
        killed = [who.split()[1] for (who, _), came in outcomes.items() if came == KILLED]
        self.assertLessEqual({"exec", "fork", "ptrace", "signal", "raw", "packet"}, set(killed))
        for camera in killed:
            wait_until(lambda c=camera: self.box.lines(c + ":", "killed by signal 31"), 10,
                       "the supervisor to tell of " + camera)
        self.box.wait_recording(*attacks, timeout_s=30)
        let_pass(2)
        self.assert_gate_undisturbed(pid, since)

    def test_the_dialer_of_a_camera(self):
        attacks = ["read-passwd", "make-stray", "write-other", "tcp", "exec", "ptrace", "raw"]
        for attack in attacks:
            self.add_victim(attack)
        self.attack(*(("dialer " + a, a) for a in attacks))
        self.box.wait_recording("gate")
        since, pid = now(), self.box.pid("camera", "gate")
        outcomes = self.assert_denied()
        for camera in ("exec", "ptrace", "raw"):
            self.assertEqual(outcomes["dialer " + camera, camera], KILLED)
            wait_until(lambda c=camera: self.box.lines(c + ":", "dials for this camera has ended"),
                       10, "the camera to notice")
        self.box.wait_recording(*attacks, timeout_s=30)
        for attack in attacks:
            self.assertIsNotNone(self.box.pid("dialer", attack))
        self.assert_gate_undisturbed(pid, since)

    def test_the_alerts(self):
        self.box.add_broker()
        self.attack(*(("alerts", a) for a in (
            "read-passwd", "make-stray", "write-other", "read-memory", "tcp", "netlink", "exec",
            "ptrace", "raw")))
        self.box.wait_recording("gate")
        since, pid = now(), self.box.pid("camera", "gate")
        outcomes = self.assert_denied()
        for attack in ("exec", "ptrace", "raw"):
            self.assertEqual(outcomes["alerts", attack], KILLED)
        seen = len(self.box.phone.events("gate"))
        wait_until(lambda: len(self.box.phone.events("gate")) > seen, 40, "an alert nevertheless")
        self.assert_gate_undisturbed(pid, since)

    def test_the_supervisor(self):
        self.attack(("run", "netlink"), ("run", "ptrace"))
        self.assertEqual(self.outcome("run", "ptrace"), KILLED)
        self.assertNotEqual(self.outcome("run", "netlink"), "succeeded")
        self.assertEqual(self.box.main.wait(5 * harness.SLOWER), -signal.SIGSYS)
        wait_until(lambda: not self.box.pids(), 10, "the roles to end with it")
        self.box.start()
        self.box.wait_recording("gate")


if __name__ == "__main__":
    harness.main()
