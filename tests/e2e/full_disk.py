"""Somebody else fills the disk: the ring owns its room already, so recording goes on."""

import os

import harness
from harness import let_pass, now, wait_until


class FullDisk(harness.Case):
    def fill(self):
        path = os.path.join(self.box.storage, "somebody-elses.bin")
        with open(path, "wb", buffering=0) as f:
            try:
                while f.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass
        return path

    def test_recording_goes_on_and_everything_recovers(self):
        self.box.mount_storage(self, "40m")
        self.box.simple("gate")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 4)
        stuffing = self.fill()
        let_pass(8)
        self.assertTrue(self.box.status("gate")["recording"])
        os.unlink(stuffing)
        self.box.wait_recording("gate")
        wait_until(lambda: self.box.status("gate")["state"] == "online", 10, "gate well again")
        self.box.wait_recorded("gate", 15)
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()
