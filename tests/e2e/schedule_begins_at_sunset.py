"""The sun sets while the camera runs: from then on it alerts, and nothing was restarted."""

import datetime

import harness
from harness import instant, wait_until

HANOI = [21.0285, 105.8542]
SUNSET = datetime.datetime(2026, 11, 23, 10, 13, 57, tzinfo=datetime.timezone.utc)  # PyEphem 4.1.4
OFF_BY = datetime.timedelta(minutes=1)


class ScheduleBeginsAtSunset(harness.Case):
    def setUp(self):
        super().setUp()
        self.clock = harness.FakeClock(self, self.box)
        self.box.more_environment["TZ"] = "ICT-7"
        self.box.config["site"]["location"] = HANOI
        self.box.simple("gate")
        self.box.config["cameras"][0]["detect"] = {
            "schedule": [{"days": "mon", "from": "sunset", "to": "sunrise"}]}
        self.box.add_broker()
        # two events at least before it sets
        self.clock.set(round((SUNSET - harness.now()).total_seconds()) - 30)
        self.box.start()

    def told(self, leaf):
        messages = self.box.phone.on("/gate/" + leaf)
        return messages[-1].payload if messages else None

    def status_told(self):
        messages = self.box.phone.on("/gate/status")
        return messages[-1].json() if messages else {}

    def text_status(self):
        return self.box.cli("status")[1]

    def test_alerts_begin_when_the_sun_sets(self):
        wait_until(lambda: self.box.events("--camera", "gate"), 20, "an event by day")
        wait_until(lambda: self.status_told().get("disarmed_by") == "schedule", 10,
                   "the state that says why it is quiet")
        self.assertIs(self.status_told()["armed"], False)
        self.assertEqual(self.told("armed"), b"ON")  # people's switch
        self.assertIn("disarmed by its schedule", self.text_status())
        self.assertEqual(self.box.phone.events("gate"), [])
        before = self.box.pids()

        wait_until(lambda: self.box.status("gate").get("armed"), 90, "the sunset")
        self.assertLess(abs(self.clock.now() - SUNSET), OFF_BY)
        self.assertIn("  armed", self.text_status())
        wait_until(lambda: self.box.phone.events("gate"), 30, "an alert by night")
        wait_until(lambda: self.status_told().get("armed"), 10, "the state that says so")
        self.assertIsNone(self.status_told()["disarmed_by"])
        self.assertEqual(self.box.pids(), before)
        for event in self.box.phone.events("gate"):
            self.assertGreater(instant(event["start"]), SUNSET - OFF_BY)


if __name__ == "__main__":
    harness.main()
