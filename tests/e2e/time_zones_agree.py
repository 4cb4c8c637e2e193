"""A time zone is how people ask, not what is answered; an hour that comes twice is recorded twice."""

import datetime
import json
import os

import harness
from harness import instant, wait_until

ZONES = ("UTC", "America/New_York", "Asia/Ho_Chi_Minh")
# in New York, twice 01:30 local
FIRST = datetime.datetime(2026, 11, 1, 5, 29, 57, tzinfo=datetime.timezone.utc)
LAST = FIRST + datetime.timedelta(hours=1)


class TimeZonesAgree(harness.Case):
    def setUp(self):
        super().setUp()
        for zone in ZONES:
            if not os.path.exists("/usr/share/zoneinfo/" + zone):
                self.skipTest("tzdata is not installed")
        self.clock = harness.FakeClock(self, self.box)

    def record_from(self, when):
        """Until 5 s later, by the box's clock."""
        self.clock.set(round((when - harness.now()).total_seconds()))
        if not self.box.main:
            self.box.simple("gate")
            self.box.start()
        until = when + datetime.timedelta(seconds=5)
        wait_until(lambda: self.box.status("gate")["newest"] and
                   instant(self.box.status("gate")["newest"]) > until, 30, "pictures of %s" % until)

    def ask_in(self, zone, *args):
        self.box.more_environment["TZ"] = zone
        return self.box.cli(*args)

    def recorded(self, *span):
        """Seconds, asked in New York."""
        status, out, err = self.ask_in("America/New_York", "coverage", "--camera", "gate", "--json",
                                       *span)
        self.assertEqual(status, 0, err)
        coverage = json.loads(out)
        self.assert_adds_up(coverage)
        return coverage["recorded_s"]

    def test_in_every_zone_it_is_the_same_footage(self):
        self.record_from(FIRST)
        self.record_from(LAST)
        self.box.stop()
        span = ("--from", "2026-11-01T05:00:00Z", "--to", "2026-11-01T06:30:01Z")
        for command in (("coverage", "--camera", "gate", "--json", *span),
                        ("events", "--json", *span), ("fsck", "--json"), ("status", "--json")):
            answers = {zone: self.ask_in(zone, *command) for zone in ZONES}
            self.assertTrue(answers["UTC"][1].strip(), answers)
            for zone in ZONES[1:]:
                self.assertEqual(self.for_programs(answers[zone]),
                                 self.for_programs(answers["UTC"]))

    @staticmethod
    def for_programs(answer):
        """Without the sentence for people and the moment at which it was given."""
        status, out, err = answer
        lines = [json.loads(line) for line in out.splitlines()]
        for line in lines:
            line.pop("text", None)
            line.get("times", {}).pop("sent", None)
            line.pop("now", None)
        return status, lines, err

    def test_both_half_past_ones_of_autumn_are_reached(self):
        self.record_from(FIRST)
        self.record_from(LAST)
        self.box.stop()
        first = self.recorded("--from", "2026-11-01 01:29:00-04:00", "--to", "2026-11-01 01:31-04:00")
        last = self.recorded("--from", "2026-11-01 01:29:00-05:00", "--to", "2026-11-01 01:31-05:00")
        both = self.recorded("--from", "2026-11-01 01:29", "--to", "2026-11-01 01:31")
        self.assertGreater(first, 3)
        self.assertGreater(last, 3)
        self.assertAlmostEqual(both, first + last, delta=0.01)
        # from 01:30 on is from the first of the two
        self.assertGreater(self.recorded("--from", "2026-11-01 01:30:00", "--to",
                                         "2026-11-01 01:30:01-04:00"), 0.5)
        self.assertGreater(self.recorded("--from", "2026-11-01 01:30:00", "--to",
                                         "2026-11-01 01:30:01"), last)
        self.assertLess(self.recorded("--from", "2026-11-01 01:30:00-05:00"), last)


if __name__ == "__main__":
    harness.main()
