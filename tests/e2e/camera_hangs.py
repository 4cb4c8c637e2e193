"""A camera keeps its connection and sends nothing: noticed, told, and over when it goes on."""

import harness
from harness import let_pass, now, wait_until


class CameraHangs(harness.Case):
    def test_silence_is_noticed_and_the_return_too(self):
        server = self.box.simple("gate", "market")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 4)
        server.order("hang", "gate/main")
        server.order("hang", "gate/sub")
        wait_until(lambda: not self.box.status("gate")["recording"], 15, "gate not recording")
        wait_until(lambda: self.box.status("gate")["state"] != "online", 15, "gate to be missed")
        self.assertTrue(self.box.status("gate")["reason"])
        self.assertTrue(self.box.status("market")["recording"])
        server.order("resume", "gate/main")
        server.order("resume", "gate/sub")
        self.box.wait_recording("gate", timeout_s=20)
        let_pass(3)
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assertIn("camera-lost", [g["cause"] for g in coverage["gaps"]])
        self.assert_fsck_clean()

    def test_a_short_hang_is_a_gap_too(self):
        """Four seconds: no reconnect is needed, yet the ledger must not hide it."""
        server = self.box.simple("gate", small=None)
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        server.order("hang", "gate/main")
        let_pass(4)
        server.order("resume", "gate/main")
        let_pass(4)
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        lost = [g for g in coverage["gaps"] if g["cause"] == "camera-lost"]
        self.assertEqual(len(lost), 1, coverage)
        self.assertTrue(3 < harness.seconds(lost[0]) < 7 * harness.SLOWER, lost)


if __name__ == "__main__":
    harness.main()
