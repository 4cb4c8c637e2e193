"""A small ring goes round and round: the newest is kept, the rest is said to be deleted."""

import os

import harness
from harness import now, wait_until

SLOTS = 3


class RingWrapsThreeTimes(harness.Case):
    def test_the_ring_goes_round_in_place(self):
        server = self.box.add_server({"gate/main": "street-1080"})
        self.box.add_camera(server, "gate", keep="%d MiB" % SLOTS, detect={"enabled": False})
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        slots = self.box.slots("gate")
        self.assertEqual(len(slots), SLOTS)
        self.assertEqual({os.path.getsize(s) for s in slots}, {1 << 20})
        # 2 Mbit/s fill 1 MiB in about 4 s: nine slots are three laps
        wait_until(lambda: (now() - began).total_seconds() > 45, 50, "three laps")
        running = self.box.coverage("gate", began, now())
        self.assert_adds_up(running)
        self.assertGreater(running["deleted_s"], 20)
        self.assertGreater(running["recorded_s"], 4)
        self.assert_no_gap(running)
        self.box.stop()
        self.assertEqual(self.box.slots("gate"), slots)
        self.assertEqual({os.path.getsize(s) for s in slots}, {1 << 20})
        self.assert_decodes(self.box.newest_slot("gate"))
        self.assert_fsck_clean()
        after = self.box.coverage("gate", began, now())
        self.assert_adds_up(after)


if __name__ == "__main__":
    harness.main()
