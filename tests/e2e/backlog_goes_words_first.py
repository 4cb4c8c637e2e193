"""Three days without a broker: a digest, every event in order with its true times, pictures last."""

import os
import random

import harness
import harness_outbox as outbox
from harness import instant, now, wait_until

CAMERAS = ("gate", "market")
EVENTS = 300


class BacklogGoesWordsFirst(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple(*CAMERAS)
        self.box.add_broker()
        outbox.record_one_event(self.box, *CAMERAS)
        self.past = {c: outbox.add_past(self.box, c, EVENTS, hours=72) for c in CAMERAS}

    def words_are_told(self):
        return all(set(self.past[c]) <= set(outbox.told(self.box, c)) for c in CAMERAS)

    def pictures_are_told(self):
        return all(set(self.past[c]) <= set(outbox.pictured(self.box, c)) for c in CAMERAS)

    def in_order(self, ids, camera):
        return [i for i in ids if i in set(self.past[camera])] == self.past[camera]

    def test_words_then_pictures(self):
        outbox.play_alerts(self.box)
        self.box.broker.restart()
        wait_until(lambda: self.words_are_told() and self.pictures_are_told(), 60,
                   "words and pictures of %d events" % (EVENTS * len(CAMERAS)))
        snapshots = {c: wait_until(lambda c=c: self.box.phone.on("/%s/snapshot" % c), 10,
                                   "the newest picture of " + c) for c in CAMERAS}
        topics = [m.topic for m in self.box.phone.messages]
        last_words = max(i for i, t in enumerate(topics) if t.endswith("/event"))
        first_picture = min(i for i, t in enumerate(topics) if "/thumbnail/" in t)
        self.assertLess(last_words, first_picture, "pictures after all words")
        for camera in CAMERAS:
            self.assertTrue(self.in_order(outbox.told(self.box, camera), camera))
            self.assertTrue(self.in_order(outbox.pictured(self.box, camera), camera))
            fresh = [m for m in snapshots[camera] if not m.retained]
            self.assertLessEqual(len(fresh), 1, "the newest only")
            self.check_words(camera)

    def check_words(self, camera):
        digests = [m.json() for m in self.box.phone.on("/%s/digest" % camera)]
        self.assertEqual(len(digests), 1)
        self.assertGreaterEqual(digests[0]["events"], EVENTS)
        events = self.box.phone.events(camera)
        self.assertEqual(len(events), len({(e["id"], e["revision"]) for e in events}), "each once")
        for event in events:
            self.assertNotIn("thumbnail", event)
        oldest = next(e for e in events if e["id"] == self.past[camera][0])
        self.assertAlmostEqual((now() - instant(oldest["start"])).total_seconds() / 3600, 72,
                               delta=0.5)
        for message in self.box.phone.messages:
            if "/%s/thumbnail/" % camera in message.topic:
                self.assertEqual(message.payload[:3], b"\xff\xd8\xff", "a JPEG")

    def test_killed_at_random_nothing_is_lost(self):
        seed = int(os.environ.get("SEED", random.randrange(10**6)))
        print("SEED=%d" % seed)
        chance = random.Random(seed)
        self.box.broker.restart()
        for _ in range(8):
            outbox.play_alerts(self.box)
            enough = len(self.box.phone.messages) + chance.randrange(5, 250)
            wait_until(lambda: len(self.box.phone.messages) >= enough or self.pictures_are_told(),
                       30, "more messages")
            outbox.kill(self.box)
        outbox.play_alerts(self.box)
        wait_until(lambda: self.words_are_told() and self.pictures_are_told(), 60,
                   "words and pictures of %d events" % (EVENTS * len(CAMERAS)))
        for camera in CAMERAS:
            self.assertTrue(self.in_order(outbox.told(self.box, camera), camera), "in order")
        again = sum(len(self.box.phone.events(c)) - len(outbox.told(self.box, c)) for c in CAMERAS)
        self.assertLess(again, EVENTS, "only what was not yet written down comes twice")


if __name__ == "__main__":
    harness.main()
