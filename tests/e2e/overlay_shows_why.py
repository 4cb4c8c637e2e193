"""`detect --overlay` makes a film of what the detector sees in a recording."""

import json
import os
import subprocess

import harness

SECONDS = 6


def run(*args):
    done = subprocess.run([harness.ROADWATCH, "detect", *args], capture_output=True, text=True,
                          timeout=120 * harness.SLOWER, check=False)
    harness.Box.refuse_reports(done.stderr)
    return done.returncode, done.stdout, done.stderr


def luma(path, at, width, height, crop):
    """The luma of one picture, cropped to width:height:x:y and scaled."""
    return subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-ss", "%.3f" % at, "-i", path, "-frames:v", "1",
         "-vf", "crop=%s,scale=%d:%d,format=gray" % (crop, width, height), "-f", "rawvideo", "-"],
        capture_output=True, timeout=60, check=True).stdout


class OverlayShowsWhy(harness.Case):
    def setUp(self):
        super().setUp()
        self.clip = os.path.join(self.box.folder, "clip.mp4")
        self.film = os.path.join(self.box.folder, "why.mp4")
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", harness.film("street-180"),
                        "-t", str(SECONDS), "-c", "copy", self.clip], check=True, timeout=60)

    def test_every_picture_is_in_the_film_and_what_moves_is_marked(self):
        plain = run(self.clip, "--json")
        drawn = run(self.clip, "--json", "--overlay", self.film)
        self.assertEqual((drawn[0], drawn[2]), (0, ""))
        events = [json.loads(line) for line in drawn[1].splitlines()]
        self.assertEqual(events[:-1], [json.loads(l) for l in plain[1].splitlines()[:-1]])
        shape = harness.probe(self.film, "codec_name,pix_fmt,width,height,nb_frames")
        self.assertEqual(int(shape["nb_frames"]), events[-1]["decoded"])
        self.assertEqual((shape["codec_name"], shape["pix_fmt"], shape["width"]),
                         ("h264", "yuv420p", 640))
        self.assertGreater(shape["height"], 360)  # the words are below the picture
        self.assert_decodes(self.film)
        self.check_box(events[0])

    def check_box(self, event):
        """In the best picture the box is drawn, and a place where nothing is stays as it is."""
        x, y, w, h = event["box"]
        peak = event["peak"] + 0.01
        box = "%d:%d:%d:%d"
        marked = box % (640 * w, 360 * h, 640 * x, 360 * y)
        in_clip = box % (320 * w, 180 * h, 320 * x, 180 * y)
        size = (int(320 * w), int(180 * h))
        self.assertGreater(self.difference(luma(self.film, peak, *size, marked),
                                           luma(self.clip, peak, *size, in_clip)), 8)
        self.assertLess(self.difference(luma(self.film, peak, 32, 10, "64:20:40:330"),
                                        luma(self.clip, peak, 32, 10, "32:10:20:165")), 4)

    def difference(self, a, b):
        self.assertEqual(len(a), len(b))
        return sum(abs(x - y) for x, y in zip(a, b)) / len(a)

    def refused(self, status, *args):
        code, _, err = run(*args)
        self.assertEqual(code, status, err)
        self.assertTrue(harness.one_line(err), err)
        return err

    def test_the_recording_itself_is_not_overwritten(self):
        with open(self.clip, "rb") as f:
            before = f.read()
        link = os.path.join(self.box.folder, "link.mp4")
        os.symlink(self.clip, link)
        self.assertIn("overwrite", self.refused(2, self.clip, "--overlay", link))
        with open(self.clip, "rb") as f:
            self.assertEqual(before, f.read())

    def test_what_cannot_be_written_or_read_is_said_and_leaves_nothing(self):
        nowhere = os.path.join(self.box.folder, "none", "why.mp4")
        self.assertIn(nowhere, self.refused(1, self.clip, "--overlay", nowhere))
        text = os.path.join(self.box.folder, "text.mp4")
        with open(text, "w", encoding="utf-8") as f:
            f.write("no film")
        self.refused(1, text, "--overlay", self.film)
        left = sorted(os.listdir(self.box.folder))
        self.assertEqual(left, ["clip.mp4", "text.mp4"])


if __name__ == "__main__":
    harness.main()
