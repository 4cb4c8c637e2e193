"""The disk is taken away while the box records, and another one put in its place: nothing is
written to that one, which is said in words, and with the right disk back it records again.

The other disk is an empty one, or one with a ring of the same camera of the same site. The camera's
process is killed meanwhile, too: a new one must not take the other disk for its own.
"""

import hashlib
import os
import signal

import disks
from harness import let_pass, now, seconds, wait_until


def content(folder):
    """{path: hash} of the camera's files, but for the memory that readers of an index share."""
    found = {}
    for parent, _, files in os.walk(os.path.join(folder, "gate")):
        for name in files:
            path = os.path.join(parent, name)
            if name.endswith("-shm"):
                continue
            with open(path, "rb") as f:
                found[path] = hashlib.sha256(f.read()).hexdigest()
    return found


class DiskIsExchanged(disks.Case):
    def setUp(self):
        super().setUp()
        # 2 Mbit/s fill a slot of 1 MiB in about 4 s: the next is soon wanted
        server = self.box.add_server({"gate/main": "street-1080", "gate/sub": "street-180"})
        self.box.add_camera(server, "gate", sub="gate/sub", keep="12 MiB")
        self.right = self.make_disk(disks.Image, "128M")
        self.other = self.make_disk(disks.Image, "128M")

    def record(self, disk, seconds_kept):
        self.record_on(disk)
        self.box.start()
        self.box.wait_recorded("gate", seconds_kept)

    def exchange(self, old, new):
        old.take_away(self.box.storage)
        new.mount(self.box.storage)

    def kill_camera(self):
        old = self.box.pid("camera", "gate")
        if old:
            os.kill(old, signal.SIGKILL)
        self.assert_told("gate", ["disk"])

    def check(self):
        began = now()
        self.record(self.right, 3)
        self.exchange(self.right, self.other)
        before = content(self.box.storage)
        taken = now()
        print("told: " + self.assert_told("gate", ["disk"]))
        let_pass(max(0, 9 - (now() - taken).total_seconds()))
        self.kill_camera()
        let_pass(4)
        self.assert_told("gate", ["disk"])
        self.assertFalse(self.box.status("gate")["recording"])
        self.assertEqual(content(self.box.storage), before)
        self.check_return(began)

    def check_return(self, began):
        self.exchange(self.other, self.right)
        back = now()
        wait_until(lambda: self.covered(back) > 3, 30, "gate to record on its own disk again")
        wait_until(lambda: not self.box.status("gate")["reason"], 10, "gate to be well")
        print("recording again %.1f s after the disk was back"
              % seconds({"from": disks.harness.rfc3339(back),
                         "to": self.box.coverage("gate", back, now())["spans"][0]["from"]}))
        self.box.stop()
        self.assert_fsck_clean()
        self.assert_ledger(began, "before-first", "disk", "recorder-off")

    def covered(self, start):
        status, out, _ = self.box.cli("coverage", "--camera", "gate", "--json", "--from",
                                      disks.harness.rfc3339(start), "--to", "now")
        return disks.harness.json.loads(out)["recorded_s"] if status == 0 else 0

    def test_an_empty_disk_stays_empty(self):
        self.check()

    def test_another_ring_of_the_same_camera_keeps_its_bytes(self):
        self.record(self.other, 3)
        self.box.stop()
        self.box.unmount(self.other)
        self.check()


if __name__ == "__main__":
    disks.main()
