"""A road that does not calm down: some alerts one by one, the rest counted, none in silence."""

import harness
from harness import wait_until

RATE = 2


class TooManyAlertsBecomeADigest(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate")
        self.box.config["cameras"][0]["alert"]["rate"] = RATE
        self.box.add_broker()
        self.box.start()

    def kept(self):
        return [e for e in self.box.events("--camera", "gate") if e["phase"] == "end"]

    def digests(self):
        return [m.json() for m in self.box.phone.on("/gate/digest")]

    def told(self):
        return {e["id"] for e in self.box.phone.events("gate")}

    def test_a_digest_comes_at_once_and_again_after_a_restart(self):
        wait_until(self.digests, 60, "a digest")
        first = self.digests()[0]
        self.assertEqual(first["why"], "rate")
        self.assertEqual(first["events"], RATE + 1)
        self.assertIn("%d lần trong 1 phút" % (RATE + 1), first["text"])
        self.assertEqual(len(self.told()), RATE)
        ended = {e["id"] for e in self.kept()}
        wait_until(lambda: len({e["id"] for e in self.kept()} - ended) >= 2, 60, "two more events")
        self.assertEqual(len(self.told()), RATE)
        self.assertEqual(len(self.digests()), 1)
        for event_id in self.told():
            phases = [e["phase"] for e in self.box.phone.events("gate") if e["id"] == event_id]
            self.assertEqual(phases[-1], "end", "what went out is told to its end")
        self.box.stop()
        self.box.start()
        wait_until(lambda: len(self.digests()) >= 2, 20, "those that no digest had told")
        self.assertGreaterEqual(self.digests()[1]["events"], 1)


if __name__ == "__main__":
    harness.main()
