"""hold and release, as an officer's clerk would: with the service running and without it."""

import json
import os

import harness
from harness import instant, now, rfc3339, wait_until


class HoldsKeepFootage(harness.Case):
    def held(self):
        folder = os.path.join(self.box.storage, "gate", "main", "held")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def hold(self, *args):
        """-> the hold's JSON"""
        return self.box.ask("hold", "--camera", "gate", "--reason", "vụ 12", "--by", "Hà", *args)

    def holds(self, *args):
        status, out, err = self.box.cli("hold", "--list", "--json", *args)
        self.assertEqual(status, 0, err)
        return [json.loads(line) for line in out.splitlines()]

    def overwritten(self, before):
        """The ring has gone past this moment."""
        coverage = self.box.coverage("gate", before, now())
        return coverage["deleted_s"] > 0

    def wait_turn(self, moment):
        wait_until(lambda: self.overwritten(moment), 90, "the ring to turn past %s" % moment)

    def check_whole(self, start, end):
        coverage = self.box.coverage("gate", start, end)
        self.assertEqual(coverage["gaps"], [])
        self.assertAlmostEqual(coverage["recorded_s"], (end - start).total_seconds(), delta=0.1)

    def test_held_footage_outlives_the_ring_and_goes_when_released(self):
        self.box.fast_ring("gate", "4 MiB")
        self.box.start()
        self.box.wait_recorded("gate", 8)
        end = now()
        start = end - harness.datetime.timedelta(seconds=4)
        status, out, err = self.box.cli("hold", "--camera", "gate", "--from", rfc3339(start), "--to",
                                        rfc3339(end), "--dry-run")
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"would take \d+ more slots, .*MiB")
        self.assertEqual(self.holds(), [])
        held = self.hold("--from", rfc3339(start), "--to", rfc3339(end))
        self.assertGreaterEqual(held["slots"], 1)
        self.assertEqual(held["bytes"], held["slots"] << 20)
        self.assertGreater(held["costs_days"], 0)
        self.assertAlmostEqual((instant(held["from"]) - start).total_seconds(), 0, delta=0.002)
        listed = self.holds()
        self.assertEqual([(h["id"], h["camera"], h["by"], h["reason"]) for h in listed],
                         [(held["id"], "gate", "Hà", "vụ 12")])
        self.wait_turn(start - harness.datetime.timedelta(seconds=3))
        self.wait_turn(end + harness.datetime.timedelta(seconds=12))
        self.check_whole(start, end)
        self.assertTrue(self.held())
        self.assert_fsck_clean()
        status, out, err = self.box.cli("release", held["id"], "--by", "Lan")
        self.assertEqual((status, out), (0, ""), err)
        self.assertEqual(self.holds(), [])
        self.assertEqual(self.holds("--all")[0]["released_by"], "Lan")
        self.assertEqual(self.held(), [])
        self.assertGreater(self.box.coverage("gate", start, end)["deleted_s"], 3)
        status, out, err = self.box.cli("release", held["id"])
        self.assertEqual(status, 1)
        self.assertIn(held["id"], err)
        self.box.stop()
        self.assert_fsck_clean()

    def test_without_the_service_and_into_the_future(self):
        self.box.fast_ring("gate", "4 MiB")
        self.box.start()
        self.box.wait_recorded("gate", 6)
        self.box.stop()
        moment = now()
        ahead = moment + harness.datetime.timedelta(seconds=15)
        held = self.hold("--from", rfc3339(moment - harness.datetime.timedelta(seconds=5)), "--to",
                         rfc3339(ahead))
        self.assertEqual(len(self.holds()), 1)
        self.box.start()
        self.wait_turn(moment - harness.datetime.timedelta(seconds=6))
        wait_until(lambda: now() > ahead, 20, "the time that was asked for")
        self.wait_turn(ahead + harness.datetime.timedelta(seconds=15))
        coverage = self.box.coverage("gate", moment - harness.datetime.timedelta(seconds=5), ahead)
        self.assertEqual(coverage["deleted_s"], 0)
        self.assertLessEqual({g["cause"] for g in coverage["gaps"]},
                             {"recorder-off", "camera-lost"})
        self.box.stop()
        status, _, err = self.box.cli("release", held["id"])
        self.assertEqual(status, 0, err)
        self.assert_fsck_clean()

    def test_what_is_refused_is_refused_in_words(self):
        self.box.fast_ring("gate", "4 MiB")
        self.box.start()
        self.box.wait_recorded("gate", 4)
        for words, part in (
                (("--from", "-10s", "--to", "now"), "--reason"),
                (("--from", "-10s", "--reason", "x"), "--to"),
                (("--from", "now", "--to", "-10s", "--reason", "x"), "before"),
                (("--from", "-40d", "--to", "-39d", "--reason", "x"), "nothing of that time"),
                (("--from", "now", "--to", "2040-01-01 00:00", "--reason", "x"), "iB free")):
            status, out, err = self.box.cli("hold", "--camera", "gate", *words)
            self.assertNotEqual(status, 0, words)
            self.assertTrue(harness.one_line(err), err)
            self.assertIn(part, err)
        self.assertEqual(self.holds("--all"), [])


if __name__ == "__main__":
    harness.main()
