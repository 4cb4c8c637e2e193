"""A camera loses its power and comes back: one gap with its cause, and back in seconds."""

import harness
from harness import let_pass, now, seconds, wait_until


class CameraVanishesAndReturns(harness.Case):
    def test_the_gap_has_a_cause_and_ends_soon_after_the_return(self):
        server = self.box.simple("gate", "market")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 4)
        self.box.wait_recorded("market", 4)

        server.order("stop", "gate/main")
        server.order("stop", "gate/sub")
        wait_until(lambda: self.box.status("gate")["state"] != "online", 5, "gate to be missed")
        self.assertTrue(self.box.status("gate")["reason"])
        let_pass(4)
        server.order("start", "gate/main")
        server.order("start", "gate/sub")
        returned = now()
        wait_until(lambda: self.box.status("gate")["state"] == "online", 6, "gate to be back")
        self.assertLess((now() - returned).total_seconds(), 5.5 * harness.SLOWER)
        let_pass(4)
        self.box.stop()

        for stream in ("main", "sub"):
            coverage = self.box.coverage("gate", began, now(), stream)
            self.assert_adds_up(coverage)
            lost = [g for g in coverage["gaps"] if g["cause"] == "camera-lost"]
            self.assertEqual(len(lost), 1, coverage)
            self.assertTrue(3 < seconds(lost[0]) < 14 * harness.SLOWER, lost)
        others = self.box.coverage("market", began, now())
        self.assertEqual(len(others["spans"]), 1, others)
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()
