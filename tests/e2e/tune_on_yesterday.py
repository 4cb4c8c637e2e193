"""`detect` over what a camera has recorded: as it is configured, and as it might be."""

import glob
import json
import os
import subprocess

import harness
from harness import instant, now, rfc3339

RECORDED_S = 12  # several events of five seconds each, where people walk all the time


class TuneOnYesterday(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate")
        self.pictures = os.path.join(self.box.folder, "pictures")

    def record(self):
        self.began = now()
        self.box.start()
        seen = self.box.wait_recorded("gate", RECORDED_S, stream="sub")
        self.ended = instant(seen["spans"][-1]["to"])

    def detect(self, *args):
        """-> (events that differ, the sum)"""
        code, out, err = self.box.cli("detect", "--camera", "gate", "--from",
                                      rfc3339(self.began), "--to", rfc3339(self.ended), "--json",
                                      *args)
        self.assertEqual((code, err), (0, ""), args)
        lines = [json.loads(line) for line in out.splitlines()]
        return lines[:-1], lines[-1]

    def check_pictures(self, events):
        files = sorted(glob.glob(self.pictures + "/*"))
        self.assertEqual(sorted(e["picture"] for e in events), files)
        seen = set()
        for path in files:
            with open(path, "rb") as f:
                seen.add(f.read())
            self.assertTrue(path.endswith(".jpg"), path)
            self.assertEqual(harness.probe(path, "codec_name,width,height"),
                             {"codec_name": "mjpeg", "width": 320, "height": 180})
            self.assert_decodes(path)
            os.remove(path)
        self.assertEqual(len(seen), len(files), "two events have the same picture")

    def check_comparison(self):
        """Twice the same changes nothing; the least sensitivity has pictures of what it changes."""
        events, plain = self.detect()
        self.assertGreater(plain["events"], 1)
        self.assertEqual([e["change"] for e in events], ["event"] * plain["events"])
        same, total = self.detect("--sensitivity", "50", "--pictures", self.pictures)
        self.assertEqual((same, total["goes"], total["new"]), ([], 0, 0))
        self.assertEqual((total["before"], total["after"]), (plain["events"],) * 2)
        self.assertEqual(glob.glob(self.pictures + "/*"), [])
        least, total = self.detect("--sensitivity", "1", "--pictures", self.pictures)
        self.assertEqual(total["before"], plain["events"])
        self.assertEqual(sorted(e["change"] for e in least),
                         ["goes"] * total["goes"] + ["new"] * total["new"])
        self.check_pictures(least)
        return events, total["after"]

    def test_a_running_service_and_a_stopped_one_are_told_the_same(self):
        self.record()
        running = self.check_comparison()
        self.box.stop()
        self.assertEqual(running, self.check_comparison())
        self.assert_fsck_clean()

    def test_events_that_would_go_or_come_are_shown(self):
        # The zone is beside the road: only without it people are seen.
        empty = [{"name": "Bãi cỏ", "polygon": [[0, 0.95], [0.02, 0.95], [0.02, 1], [0, 1]]}]
        changed = os.path.join(self.box.folder, "changed.yaml")
        self.record()
        everything, plain = self.detect()
        config = json.loads(json.dumps(self.box.config))
        config["cameras"][0]["detect"] = {"zones": empty}
        with open(changed, "w", encoding="utf-8") as f:
            json.dump(config, f)
        goes, total = self.detect("--try", changed, "--pictures", self.pictures)
        self.assertEqual((total["before"], total["after"]), (plain["events"], 0))
        self.assertEqual([e["change"] for e in goes], ["goes"] * plain["events"])
        self.assertEqual([e["start"] for e in goes], [e["start"] for e in everything])
        self.check_pictures(goes)
        # and the other way round
        self.box.config["cameras"][0]["detect"] = {"zones": empty}
        usual = os.path.join(self.box.folder, "usual.yaml")
        os.rename(self.box.config_path, usual)
        self.box.write_config()
        comes, total = self.detect("--try", usual, "--pictures", self.pictures)
        self.assertEqual((total["before"], total["after"], total["new"]),
                         (0, plain["events"], plain["events"]))
        self.assertEqual([e["change"] for e in comes], ["new"] * plain["events"])
        self.check_pictures(comes)
        code, out, err = self.box.cli("detect", "--camera", "gate", "--from", rfc3339(self.began),
                                      "--to", rfc3339(self.ended), "--try", usual)
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^gate, \d+ s: 0 → %d events" % total["after"])
        self.assertRegex(out, r"(?m)^new +\d{4}-\d\d-\d\d ")

    def test_a_damaged_fragment_costs_only_itself(self):
        self.record()
        _, whole = self.detect()
        self.box.stop()
        path = self.box.newest_slot("gate", "sub")
        with open(path, "r+b") as f:
            data = f.read()
            at = data.index(b"mdat", len(data) // 8) + 200
            f.seek(at)
            f.write(bytes(b ^ 0x55 for b in data[at:at + 8]))
        code, out, err = self.box.cli("detect", "--camera", "gate", "--from",
                                      rfc3339(self.began), "--to", rfc3339(self.ended), "--json")
        self.assertEqual(code, 0, err)
        self.assertTrue(harness.one_line(err), err)
        self.assertIn("passed over", err)
        total = json.loads(out.splitlines()[-1])
        self.assertEqual(total["skipped"], 1)
        self.assertLess(total["pictures"], whole["pictures"])
        self.assertGreater(total["pictures"], 0)

    def test_a_film_shows_recorded_footage(self):
        self.record()
        film = os.path.join(self.box.folder, "why.mp4")
        _, total = self.detect("--overlay", film)
        done = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries",
                               "stream=nb_read_frames", "-of", "csv=p=0", film],
                              capture_output=True, text=True, timeout=60, check=True)
        self.assertEqual(int(done.stdout), total["pictures"])

    def refused(self, *args):
        code, out, err = self.box.cli("detect", *args)
        self.assertEqual(out, "")
        self.assertTrue(harness.one_line(err), err)
        return code, err

    def test_what_cannot_be_looked_at_is_said_in_a_sentence(self):
        self.box.add_camera(self.box.servers[0], "yard", main="gate/main",
                            detect={"enabled": False})
        self.box.write_config()
        for camera, named in (("mars", '"mars"'), ("yard", "off"), ("gate", "recorded")):
            code, err = self.refused("--camera", camera, "--from", "-1h")
            self.assertEqual(code, 1, err)
            self.assertIn(named, err)
        for args in (("--camera", "gate"), ("--from", "-1h"), ()):
            self.assertEqual(self.refused(*args)[0], 2, args)
        self.box.start()
        self.box.wait_recorded("gate", 1, stream="sub")
        code, err = self.refused("--camera", "gate", "--from", "-2h", "--to", "-1h")
        self.assertEqual(code, 1, err)
        self.assertIn("sub", err)
        wrong = os.path.join(self.box.config_path, "pictures")
        self.assertEqual(self.refused("--camera", "gate", "--from", "-1m", "--pictures", wrong)[0],
                         1)


if __name__ == "__main__":
    harness.main()
