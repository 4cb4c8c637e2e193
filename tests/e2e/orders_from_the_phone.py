"""Disarm, snooze and acknowledge over MQTT; and nonsense there harms nothing."""

import json

import harness
from harness import instant, let_pass, now, wait_until

PREFIX = "roadwatch/thon-dung/"
NONSENSE = (("gate/armed/set", "MAYBE"), ("gate/armed/set", "ON" * 40000),
            ("gate/snooze/set", "-5"), ("gate/snooze/set", "1e99"), ("mars/armed/set", "OFF"),
            ("event/01ZZZZZZZZZZZZZZZZZZZZZZZZ/ack", '{"by":"Hà"}'),
            ("event/../ack", '{"by":["'), ("event/x/ack", "[" * 30000))


class OrdersFromThePhone(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate", "market")
        self.box.add_broker()
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 40, "a first alert")

    def order(self, topic, text):
        self.box.broker.publish(PREFIX + topic, text)

    def armed(self):
        told = self.box.phone.on("/gate/armed")
        return told[-1].payload if told else None

    def starts_after(self, camera, when):
        return [e for e in self.box.phone.events(camera) if instant(e["start"]) > when]

    def kept_after(self, camera, when):
        return [e for e in self.box.events("--camera", camera) if instant(e["start"]) > when]

    def test_a_disarmed_camera_keeps_its_events_to_itself(self):
        self.order("gate/armed/set", "OFF")
        wait_until(lambda: self.armed() == b"OFF", 5, "the answer OFF")
        self.assertEqual(self.box.status("gate")["disarmed_by"], "hand")
        quiet = now()
        wait_until(lambda: len(self.kept_after("gate", quiet)) >= 2, 40, "events kept")
        let_pass(2)
        self.assertEqual(self.starts_after("gate", quiet), [])
        self.assertTrue(self.box.status("gate")["recording"])
        self.order("gate/armed/set", "ON")
        wait_until(lambda: self.armed() == b"ON", 5, "the answer ON")
        loud = now()
        wait_until(lambda: self.starts_after("gate", loud), 40, "an alert again")

    def test_a_snooze_ends_by_itself(self):
        self.order("gate/snooze/set", "6")
        wait_until(lambda: self.box.status("gate")["disarmed_by"] == "snooze", 5, "the snooze")
        quiet = now()
        self.assertGreater(instant(self.box.status("gate")["snoozed_until"]), quiet)
        wait_until(lambda: self.starts_after("gate", quiet), 40, "an alert after the snooze")
        first = instant(self.starts_after("gate", quiet)[0]["start"])
        self.assertGreater((first - quiet).total_seconds(), 4)

    def test_an_acknowledgement_comes_back_with_the_name(self):
        event = self.box.phone.events("gate")[0]["id"]
        self.order("event/%s/ack" % event, json.dumps({"by": "Hà"}))
        wait_until(lambda: [e for e in self.box.phone.events("gate")
                            if e["id"] == event and e.get("acked_by") == "Hà"], 10,
                   "the update with the name")

    def test_nonsense_is_refused_and_everything_goes_on(self):
        before = self.box.pids()
        for topic, text in NONSENSE:
            self.order(topic, text)
        after = now()
        wait_until(lambda: self.starts_after("gate", after), 40, "another alert")
        self.assertEqual(self.box.pids(), before)
        self.assertEqual(self.armed(), b"ON")


if __name__ == "__main__":
    harness.main()
