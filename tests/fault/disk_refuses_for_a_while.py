"""A disk that refuses reads or writes for a moment, for half a minute, or in one place: said in
words, no picture lost but those in that place, and well by itself.

The file system has no journal and goes on after errors, as on a stick or a card, so that a refusal
reaches the program in what it asked for: refused writes come back from its syncs, refused reads
from its reads and from writes that begin within a page. (With a journal the kernel makes the disk
read-only instead: disk_falls_read_only.)
"""

import os

import disks
from harness import let_pass, now, wait_until

ABANDONED = "recording goes on in the next slot"


class DiskRefusesForAWhile(disks.Case):
    def setUp(self):
        super().setUp()
        image = self.make_disk(disks.Image, "128M", "-O", "^has_journal",
                               mount_options="errors=continue")
        self.disk = self.make_disk(disks.ServedImage, image)
        self.record_on(self.disk)
        self.box.simple("gate")
        self.box.add_broker()
        self.began = now()
        self.box.start()
        self.box.wait_recorded("gate", 4)

    def wait_well(self):
        wait_until(lambda: not self.box.status("gate")["reason"], 20, "gate to be well again")
        self.box.wait_recording("gate")

    def check_end(self, *causes):
        """Everything is there that was seen or told, and recording goes on."""
        recorded = self.box.coverage("gate", self.began, now())["recorded_s"]
        self.box.wait_recorded("gate", recorded + 3)
        self.box.stop()
        self.assert_fsck_clean()
        for stream in ("main", "sub"):
            coverage = self.box.coverage("gate", self.began, now(), stream)
            self.assert_adds_up(coverage)
            self.assert_no_gap(coverage, ("before-first", "recorder-off", *causes))
        kept = {event["id"] for event in self.box.events("--camera", "gate")}
        told = {event["id"] for event in self.box.phone.events("gate")}
        self.assertEqual(told - kept, set())

    def abandoned(self):
        return len(self.box.lines(ABANDONED))

    def test_one_refused_write_costs_a_slot_and_no_picture(self):
        for _ in range(20):  # it may hit the index or the superblock as well
            if self.abandoned() >= 2:
                break
            refusals = self.disk.refusals
            self.disk.refuse_once("write")
            wait_until(lambda seen=refusals: self.disk.refusals > seen, 40, "a refusal")
            let_pass(1.3)
        self.assertGreaterEqual(self.abandoned(), 2)
        self.wait_well()
        self.check_end()

    def test_writes_refused_for_half_a_minute(self):
        self.disk.refuse("write")
        refused = now()
        reason = self.assert_told("gate", ["disk"])
        told_s = (now() - refused).total_seconds()
        print("told after %.1f s: %s" % (told_s, reason))
        let_pass(30 - told_s)
        self.disk.obey("write")
        self.wait_well()
        self.check_end()

    def test_reads_refused_while_recording(self):
        self.disk.refuse("read")
        refused = now()
        while (now() - refused).total_seconds() < 8:
            disks.forget_cached(self.box.storage)
            let_pass(0.5)
        self.assertGreater(self.disk.refusals, 0)
        self.assertNotEqual(self.box.status("gate")["reason"], "")
        self.disk.obey("read")
        self.wait_well()
        self.check_end()

    def test_a_slot_that_cannot_be_read_after_a_cut_is_left_and_the_next_is_taken(self):
        path = self.box.newest_slot("gate")
        self.box.kill_hard()
        self.disk.spoil(path)
        self.box.unmount(self.disk)
        self.record_on(self.disk)
        self.box.start()
        wait_until(lambda: self.box.newest_slot("gate") != path, 15, "the next slot to be taken")
        recorded = self.box.coverage("gate", self.began, now())["recorded_s"]
        self.box.wait_recorded("gate", recorded + 3)
        self.box.stop()
        self.assertEqual(self.abandoned(), 1)
        status, out, err = self.box.cli("fsck")
        self.assertEqual(status, 1, out + err)
        number = int(os.path.basename(path).split(".")[0])
        self.assertIn("main: slot %d" % number, out + err)
        self.assert_ledger(self.began, "before-first", "recorder-off", "disk")


if __name__ == "__main__":
    disks.main()
