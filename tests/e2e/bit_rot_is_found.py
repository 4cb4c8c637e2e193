"""The disk changes a byte of old footage: the scrub finds it, and nobody calls it whole again."""

import os

import harness
from harness import now, wait_until


class BitRotIsFound(harness.Case):
    def rot(self):
        """Changes a byte in the middle of the first slot, which is full by now."""
        with open(os.path.join(self.box.storage, "gate", "main", "00000.mp4"), "r+b") as f:
            f.seek(300_000)
            byte = f.read(1)[0]
            f.seek(300_000)
            f.write(bytes([byte ^ 1]))

    def test_it_is_marked_told_and_never_made_true(self):
        self.box.config["storage"]["scrub"] = "4s"
        self.box.fast_ring("gate", "40 MiB")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 12)
        self.rot()
        wait_until(lambda: self.box.lines("gate", "marked as damaged"), 40, "the scrub to find it")
        gaps = self.box.coverage("gate", began, now())["gaps"]
        self.assertEqual([g["cause"] for g in gaps if g["cause"] != "before-first"], ["disk"])
        self.assertLess(harness.seconds([g for g in gaps if g["cause"] == "disk"][0]), 2.5)
        self.box.stop()
        for how in ((), ("--rebuild",), ()):
            status, said = self.box.fsck(*how)
            self.assertEqual(status, 0, said)
            self.assertIn("1 records are damaged", said)
        self.assert_adds_up(self.box.coverage("gate", began, now()))


if __name__ == "__main__":
    harness.main()
