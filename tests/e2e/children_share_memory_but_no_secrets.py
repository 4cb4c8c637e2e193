"""The supervisor's children are forked, so that they share what memory they can: each is shown by its
name, knows no password but its own, and one that crashed comes back with a memory of its own.
"""

import os
import re
import signal
import subprocess

import harness
from harness import wait_until

SECRETS = {"gate": b"horse-battery-staple", "road": b"zebra-lattice-harbour",
           "alerts": b"walnut-organ-thimble"}


def readable(pid):
    """(first byte, last byte, what) of each mapping."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as f:
        for line in f:
            at = re.match(r"(\w+)-(\w+) r\S+ \S+ \S+ \S+ *(.*)", line)
            if at and at[3] not in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                yield int(at[1], 16), int(at[2], 16), at[3]


def knows(pid):
    """Whose secrets stand in its memory."""
    found = set()
    with open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for first, last, _ in readable(pid):
            memory.seek(first)
            try:
                data = memory.read(last - first)
            except OSError:  # a guard page, or behind the end of a file
                continue
            found |= {who for who, secret in SECRETS.items() if secret in data}
    return found


def place(pid):
    """Where the program lies in its memory."""
    return next(first for first, _, what in readable(pid) if what == os.path.realpath(harness.ROADWATCH))


def shown(pid):
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True,
                          check=True).stdout.strip()


class ChildrenShareMemoryButNoSecrets(harness.Case):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root reads the memory of others")
        server = self.box.add_server({"gate/main": "street-180", "road/main": "street-180"})
        for camera in ("gate", "road"):
            entry = self.box.add_camera(server, camera)
            entry["main"].update(username="viewer", password=SECRETS[camera].decode())
        self.box.add_broker()
        with open(os.path.join(self.box.folder, "mqtt.pw"), "wb") as f:
            f.write(SECRETS["alerts"] + b"\n")
        self.box.config["mqtt"].update(username="u", password_file="mqtt.pw")
        self.box.start()
        self.box.wait_recording("gate", "road")

    def family(self):
        """All of the processes, once they are all there."""
        roles = [("run",), ("alerts",)] + [(role, camera) for role in ("camera", "dialer")
                                           for camera in ("gate", "road")]
        return wait_until(lambda: (lambda found: None not in found.values() and found)(
            {" ".join(role): self.box.pid(*role) for role in roles}), 10, "every role")

    def assert_secrets_are_kept(self, family):
        for role, pid in family.items():
            own = {"alerts": {"alerts"}, "camera gate": {"gate"}, "camera road": {"road"}}
            self.assertEqual(knows(pid), own.get(role, set()), role)

    def test_a_forked_child(self):
        family = self.family()
        self.assert_secrets_are_kept(family)
        self.assertEqual(len(os.listdir("/proc/%d/task" % family["run"])), 1)
        for role, pid in family.items():
            if role != "run":
                self.assertEqual(shown(pid), "roadwatch " + role)
                self.assertEqual(place(pid), place(family["run"]), role)

    def test_one_that_crashed_is_executed_until_it_is_well_again(self):
        family = self.family()
        os.kill(family["camera gate"], signal.SIGSEGV)
        after = wait_until(lambda: (lambda now: now["camera gate"] != family["camera gate"] and now)(
            self.family()), 10, "the camera to come back")
        self.box.wait_recording("gate")
        after = self.family()
        self.assertEqual(shown(after["camera gate"]),
                         "roadwatch camera gate -c " + self.box.config_path)
        with open("/proc/sys/kernel/randomize_va_space", encoding="ascii") as f:
            if f.read().strip() != "0":
                self.assertNotEqual(place(after["camera gate"]), place(after["run"]))
        self.assertEqual(after["camera road"], family["camera road"])
        self.assert_secrets_are_kept(after)

        self.box.config["cameras"][0]["name"] = "Cổng"
        self.box.write_config()
        self.box.main.send_signal(signal.SIGHUP)
        wait_until(lambda: self.box.pid("camera", "gate") not in (None, after["camera gate"]), 10,
                   "the camera to be started anew")
        self.box.wait_recording("gate")
        again = self.family()
        self.assertEqual(place(again["camera gate"]), place(again["run"]))
        self.assert_secrets_are_kept(again)


if __name__ == "__main__":
    harness.main()
