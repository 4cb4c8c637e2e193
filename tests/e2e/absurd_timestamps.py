"""A camera's clock leaps: the box's own time rules, and recording goes on."""

import harness
from harness import let_pass, now

LEAPS_S = ("1000", "-3", "-990", "20000", "-0.5", "0.5")


class AbsurdTimestamps(harness.Case):
    def test_leaps_cost_next_to_nothing(self):
        server = self.box.simple("gate")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 4)
        for leap in LEAPS_S:
            server.order("jump", "gate/main", leap)
            server.order("jump", "gate/sub", leap)
            let_pass(2.5)
        wall = now()
        self.box.stop()
        for stream in ("main", "sub"):
            coverage = self.box.coverage("gate", began, wall, stream)
            self.assert_adds_up(coverage)
            first = harness.instant(coverage["spans"][0]["from"])
            self.assertGreater(coverage["recorded_s"],
                               (wall - first).total_seconds() - 2 * len(LEAPS_S))
        newest = self.box.coverage("gate", began, now())["spans"][-1]["to"]
        self.assertLess((harness.instant(newest) - now()).total_seconds(), 1)
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()
