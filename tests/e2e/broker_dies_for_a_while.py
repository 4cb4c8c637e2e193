"""The 4G link is gone: events wait on disk and arrive once, in order, when it is back."""

import collections

import harness
from harness import let_pass, wait_until

CAMERAS = ("gate", "market")


class BrokerDiesForAWhile(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple(*CAMERAS)
        self.box.add_broker()
        self.box.start()

    def kept(self, camera):
        """What the box knows to have ended, oldest first."""
        return [e for e in self.box.events("--camera", camera) if e["phase"] == "end"]

    def ends_told(self, camera):
        return {e["id"] for e in self.box.phone.events(camera) if e["phase"] == "end"}

    def test_no_alert_is_lost_and_the_order_is_kept(self):
        for camera in CAMERAS:
            wait_until(lambda c=camera: self.box.phone.events(c), 40, "a first alert of " + camera)
        self.box.broker.stop()
        wait_until(lambda: not self.box.status()["alerts"]["connected"], 15, "the loss to be seen")
        before = {c: {e["id"] for e in self.box.events("--camera", c)} for c in CAMERAS}
        for camera in CAMERAS:
            wait_until(lambda c=camera: len({e["id"] for e in self.kept(c)} - before[c]) >= 2, 60,
                       "two events of %s in the dark" % camera)
        dark = {c: {e["id"] for e in self.kept(c)} - before[c] for c in CAMERAS}
        wait_until(lambda: self.box.status()["alerts"]["waiting"] > 0, 5, "events to wait")
        self.box.broker.restart()
        for camera in CAMERAS:
            wait_until(lambda c=camera: dark[c] <= self.ends_told(c), 30,
                       "the events of %s from the dark" % camera)
        self.box.stop()
        let_pass(1)
        for camera in CAMERAS:
            self.check_story(camera, dark[camera])

    def check_story(self, camera, dark):
        told = self.box.phone.events(camera)
        revisions = [e["revision"] for e in told]
        self.assertEqual(revisions, sorted(revisions), "in order")
        again = collections.Counter((e["id"], e["revision"]) for e in told)
        resent = [key for key, times in again.items() if times > 1]
        self.assertLessEqual(len(resent), 1, "only what was in flight may come twice")
        for event_id in dark:
            phases = {e["phase"] for e in told if e["id"] == event_id}
            self.assertEqual(phases, {"end"}, "began and ended in the dark: told once, as its end")
        armed = {e["id"] for e in self.kept(camera)}
        last = {e["id"] for e in self.box.events("--camera", camera)} - armed
        self.assertLessEqual(armed - {e["id"] for e in told} - last, set(self.newest(camera)))

    def newest(self, camera):
        """An event that ended while the box was stopping may wait for the next start."""
        return [e["id"] for e in self.kept(camera)][-1:]

    def test_without_a_broker_at_the_start_it_records_and_tells_later(self):
        # the broker was there when setUp started the box: take it away and start again. What ended
        # before that was confirmed by a broker that may have died with it.
        self.box.stop()
        self.box.broker.stop()
        old = {e["id"] for e in self.kept("gate")}
        self.box.start()
        self.box.wait_recording(*CAMERAS)
        wanted = wait_until(lambda: {e["id"] for e in self.kept("gate")} - old, 40,
                            "an event to end")
        self.box.broker.restart()
        wait_until(lambda: wanted <= self.ends_told("gate"), 30, "the events to be told")


if __name__ == "__main__":
    harness.main()
