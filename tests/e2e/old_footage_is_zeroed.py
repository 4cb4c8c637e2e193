"""storage.max_age: the law says no longer than, so a carver finds nothing older."""

import glob
import os
import time

import harness
from harness import now, wait_until


RECORD = b"Roadwatch record"  # in front of every fragment: its UUID, its start 44 bytes on


class OldFootageIsZeroed(harness.Case):
    def carve(self):
        """Starts, UTC seconds, of all fragments that stand anywhere in the slots' files."""
        starts = []
        for path in glob.glob(os.path.join(self.box.storage, "gate", "main", "*.mp4")):
            with open(path, "rb") as f:
                content = f.read()
            at = content.find(RECORD)
            while at >= 0:
                starts.append(int.from_bytes(content[at + 44:at + 52], "big") / 1e6)
                at = content.find(RECORD, at + 1)
        return starts

    def bare_pictures(self):
        """Fragments without their record in front of them."""
        count = 0
        for path in glob.glob(os.path.join(self.box.storage, "gate", "main", "*.mp4")):
            with open(path, "rb") as f:
                content = f.read()
            count += content.count(b"moof") - content.count(RECORD)
        return count

    def test_the_slots_hold_no_older_picture(self):
        self.box.config["storage"]["max_age"] = "10s"
        self.box.fast_ring("gate", "20 MiB")
        began = now()
        self.box.start()
        wait_until(lambda: (now() - began).total_seconds() > 30, 60, "half a minute to pass")
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assertEqual({d["rule"] for d in coverage["deleted"]}, {"max-age"})
        self.assertLessEqual(coverage["recorded_s"], 13)
        self.assertGreaterEqual(coverage["recorded_s"], 7)
        self.assertGreater(min(self.carve()), time.time() - 13)
        self.assertEqual(self.bare_pictures(), 0)
        self.box.stop()
        self.assert_fsck_clean()
        self.assert_adds_up(self.box.coverage("gate", began, now()))


if __name__ == "__main__":
    harness.main()
