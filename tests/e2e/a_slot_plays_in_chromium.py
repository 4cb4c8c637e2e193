"""A slot copied while it is being written plays in a browser from byte 0, without any player."""

import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import harness
from harness import wait_until

PAGE = b"""<!doctype html><meta charset=utf-8><title>slot</title>
<video id=v muted autoplay playsinline src=/slot.mp4></video>
<script>
const v = document.getElementById('v');
const tell = what => fetch('/report', {method: 'POST', body: JSON.stringify({what,
    time: v.currentTime, ready: v.readyState, width: v.videoWidth,
    error: v.error ? v.error.message || v.error.code : null})});
v.addEventListener('error', () => tell('error'));
v.addEventListener('timeupdate', () => { if (v.currentTime > 1.5) tell('played'); });
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    """The page, the slot with byte ranges, and the ear for the page's report."""

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != "/slot.mp4":
            self.answer(200, "text/html", PAGE)
            return
        with open(self.server.slot, "rb") as f:
            whole = f.read()
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self.answer(200, "video/mp4", whole, [("Accept-Ranges", "bytes")])
            return
        first = int(asked.group(1))
        last = min(int(asked.group(2) or len(whole) - 1), len(whole) - 1)
        self.answer(206, "video/mp4", whole[first:last + 1],
                    [("Content-Range", "bytes %d-%d/%d" % (first, last, len(whole)))])

    def do_POST(self):
        self.server.reports.append(
            json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(200, "text/plain", b"")


class ASlotPlaysInChromium(harness.Case):
    def serve(self, slot):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.slot = slot
        server.reports = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def browse(self, port):
        profile = os.path.join(self.box.folder, "chromium")
        log = open(os.path.join(self.box.folder, "chromium.log"), "wb")
        self.addCleanup(log.close)
        browser = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required",
             "--disable-background-networking", "--disable-component-update",
             "--user-data-dir=" + profile, "http://127.0.0.1:%d/" % port],
            stdout=log, stderr=log)
        self.addCleanup(harness.end_process, browser)

    @staticmethod
    def decided(server):
        return [r for r in list(server.reports) if r["what"] in ("played", "error")]

    def test_it_plays_from_the_first_byte(self):
        if not shutil.which("chromium"):
            self.skipTest("chromium is not installed")
        self.box.simple("gate", small=None)
        self.box.start()
        self.box.wait_recorded("gate", 5)
        copy = os.path.join(self.box.folder, "copy.mp4")
        shutil.copyfile(self.box.newest_slot("gate"), copy)
        server = self.serve(copy)
        self.browse(server.server_address[1])
        wait_until(lambda: self.decided(server), 60, "the browser to play or to refuse")
        report = self.decided(server)[0]
        self.assertEqual((report["what"], report["error"], report["width"]),
                         ("played", None, 640))


if __name__ == "__main__":
    harness.main()
