"""The files are the truth: without index.db everything is there again after --rebuild."""

import glob
import os

import harness
from harness import let_pass, now, wait_until


class FsckRebuildsTheIndex(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.box.simple("gate")
        self.began = now()
        self.box.start()

    def story(self, until):
        """What can be known of the camera, without the parts that only the index has."""
        events = [e for e in self.box.events("--camera", "gate") if e["phase"] == "end"]
        for event in events:
            event.pop("revision")
            event.pop("times", None)
        return (events, self.box.coverage("gate", self.began, until),
                self.box.coverage("gate", self.began, until, "sub"))

    def lose_index(self):
        for path in glob.glob(os.path.join(self.box.storage, "gate", "index.db*")):
            os.unlink(path)

    def test_events_and_coverage_are_the_same_before_and_after(self):
        self.box.wait_recording("gate")
        wait_until(lambda: [e for e in self.box.events("--camera", "gate")
                            if e["phase"] == "end"], 40, "an event to end")
        self.server.order("stop", "gate/main")
        let_pass(2)
        self.server.order("start", "gate/main")
        let_pass(6)
        self.box.stop()
        until = now()
        before = self.story(until)
        self.assertTrue(before[0])
        self.lose_index()
        self.assert_fsck_clean("--rebuild")
        self.assertEqual(self.story(until), before)
        self.assert_fsck_clean()

    def test_it_waits_for_the_writer_to_end(self):
        self.box.wait_recorded("gate", 3)
        status, said = self.box.fsck("--rebuild")
        self.assertEqual(status, 1)
        self.assertIn("gate", said)

    def test_damage_is_found_and_named(self):
        self.box.wait_recorded("gate", 6)
        self.box.stop()
        slot = self.box.newest_slot("gate")
        with open(slot, "r+b") as f:
            f.seek(40000)
            byte = f.read(1)
            f.seek(40000)
            f.write(bytes([byte[0] ^ 1]))
        status, said = self.box.fsck()
        self.assertEqual(status, 1)
        number = int(os.path.basename(slot).partition(".")[0])
        self.assertRegex(said, r"gate: main: .*slot %d\b" % number)


if __name__ == "__main__":
    harness.main()
