"""A disk from another site, or two cameras' folders mixed up: refused, nothing overwritten."""

import hashlib
import os
import shutil

import harness
from harness import wait_until


def digest(folder):
    total = hashlib.sha256()
    for path in sorted(os.path.join(d, f) for d, _, files in os.walk(folder) for f in files):
        if path.endswith(".mp4"):
            with open(path, "rb") as f:
                total.update(f.read())
    return total.hexdigest()


class DirectoryOfAnotherBox(harness.Case):
    def test_footage_of_another_camera_is_not_overwritten(self):
        self.box.simple("gate", "market")
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.box.stop()
        gate, market = (os.path.join(self.box.storage, c) for c in ("gate", "market"))
        shutil.rmtree(market)
        shutil.copytree(gate, market)
        before = digest(market)
        self.box.start()
        self.box.wait_recording("gate")
        wait_until(lambda: self.box.status("market")["reason"], 10, "market to say why not")
        self.assertFalse(self.box.status("market")["recording"])
        wait_until(lambda: self.box.lines("market", "gate"), 10, "the sentence naming both")
        self.box.stop()
        self.assertEqual(digest(market), before)

    def test_footage_of_another_site_is_not_overwritten(self):
        self.box.simple("gate")
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.box.stop()
        before = digest(self.box.storage)
        self.box.config["site"]["id"] = "thon-khac"
        self.box.start()
        wait_until(lambda: self.box.lines("gate", "thon-dung"), 10,
                   "the sentence naming the other site")
        self.box.stop()
        self.assertEqual(digest(self.box.storage), before)


if __name__ == "__main__":
    harness.main()
