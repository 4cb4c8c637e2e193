"""Somebody else uses up every inode of the disk: recording goes on, over a restart, too."""

import os

import disks
from harness import instant, let_pass, now, wait_until


class InodesRunOut(disks.Case):
    def use_up(self):
        """-> how many were free"""
        folder = os.path.join(self.box.storage, "somebody-elses")
        os.makedirs(folder, exist_ok=True)
        made = 0
        try:
            while True:
                with open(os.path.join(folder, str(len(os.listdir(folder)))), "xb"):
                    made += 1
        except OSError:
            self.assertEqual(os.statvfs(folder).f_ffree, 0)
        return made

    def test_recording_goes_on_over_slots_and_over_a_restart(self):
        self.record_on(self.make_disk(disks.Image, "64M", "-N", "128"))
        server = self.box.add_server({"gate/main": "street-1080", "gate/sub": "street-180"})
        self.box.add_camera(server, "gate", sub="gate/sub", keep="4 MiB")
        self.box.add_broker()
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.assertGreater(self.use_up(), 0)
        self.check_turns()
        self.box.stop()
        self.use_up()
        self.box.start()
        self.check_turns()
        self.check_events(now())
        self.box.stop()
        self.assert_fsck_clean()
        self.assert_ledger(began, "before-first", "recorder-off", streams=("main",))

    def check_turns(self):
        """2 Mbit/s fill 1 MiB in about 4 s."""
        seen = set()

        def turned():
            self.box.expect_alive()
            seen.add(self.box.newest_slot("gate"))
            return len(seen) > 3
        began = now()
        wait_until(turned, 30, "the ring to turn three times")
        let_pass(1)
        self.assert_no_gap(self.box.coverage("gate", began, now()))
        self.assertEqual(self.box.status("gate")["reason"], "")

    def check_events(self, when):
        wait_until(lambda: [e for e in self.box.phone.events("gate") if instant(e["start"]) > when],
                   30, "an alert without a free inode")


if __name__ == "__main__":
    disks.main()
