"""A promise that the disk cannot keep is refused at the start, for that camera alone."""

import glob
import os
import shutil

import harness
from harness import wait_until


class RingDoesNotFit(harness.Case):
    def test_the_camera_is_named_with_the_numbers_and_the_others_record(self):
        self.box.simple("gate", "market", small=None)
        room = shutil.disk_usage(self.box.folder).free >> 30
        self.box.config["storage"]["slot_size"] = "64 MiB"
        gate, market = (c["main"] for c in self.box.config["cameras"])
        gate["keep"] = "%d GiB" % (2 * room + 100)
        market["keep"] = "192 MiB"
        self.box.start()
        self.box.wait_recording("market")
        line = wait_until(lambda: self.box.lines("gate: ", "iB"), 10, "the sentence")[0]
        self.assertRegex(line, r"[0-9.]+ [GT]iB.* [0-9.]+ [MGT]iB")
        told = self.box.status("gate")
        self.assertFalse(told["recording"])
        self.assertIn("does not fit", wait_until(lambda: self.box.status("gate")["reason"], 5, "it"))
        self.assertEqual(glob.glob(os.path.join(self.box.storage, "gate", "main", "*.mp4")), [])
        status, out, err = self.box.cli("check")
        self.assertEqual(status, 1, out)
        self.assertIn("gate", err)


if __name__ == "__main__":
    harness.main()
