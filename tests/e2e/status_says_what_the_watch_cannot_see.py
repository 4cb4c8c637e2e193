"""`roadwatch status` in words: bad weather, a covered camera, too few pictures.

A stand-in answers for the camera."""

import json
import os
import socket
import threading

import harness

CALM = {"fps": 10.0, "of": 10.0, "thinned": False, "weather": 0.25, "smallest": 2,
        "raised": False, "on": "motion"}


class StatusSaysWhatTheWatchCannotSee(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate")
        self.box.write_config()
        runtime = os.path.join(self.box.config["storage"]["path"], "run")
        os.makedirs(runtime, exist_ok=True)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(os.path.join(runtime, "gate.sock"))
        self.door.listen()
        self.watch = None
        threading.Thread(target=self.answer, daemon=True).start()

    def tearDown(self):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        super().tearDown()

    def answer(self):
        while True:
            try:
                asked, _ = self.door.accept()
            except OSError:
                return
            with asked:
                asked.recv(4096)
                reply = {"state": "online", "reason": "", "watch_fps": 10.0, "watch": self.watch}
                asked.sendall(json.dumps(reply).encode() + b"\n")

    def words(self, **watch):
        self.watch = dict(CALM, **watch)
        code, out, err = self.box.cli("status")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.box.status("gate")["watch"], self.watch)
        return [line for line in out.splitlines() if line.startswith("gate")][0]

    def test_what_is_not_seen_is_said_and_calm_is_not(self):
        calm = self.words()
        for word in ("weather", "COVERED", "MOVED", "watches"):
            self.assertNotIn(word, calm)
        self.assertTrue(self.words(weather=31.5, smallest=6, raised=True).endswith(
            "bad weather: nothing smaller than 6 blocks counts"))
        self.assertIn("watches 3.8 of 15.0 pictures a second",
                      self.words(fps=3.75, of=15.0, thinned=True))
        self.assertIn("COVERED", self.words(on="covered"))
        self.assertIn("MOVED", self.words(on="camera_moved"))
        self.assertNotIn("COVERED", self.words(on=None))


if __name__ == "__main__":
    harness.main()
