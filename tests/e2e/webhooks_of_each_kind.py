"""Alerts by webhook: the request of each type as its service documents it, no secret to be seen, and
none that is dead holds back another or the broker."""

import base64
import glob
import os
import re
import subprocess
import urllib.parse

import harness
from harness import wait_until
from harness_hooks import Service, reply

TOKEN = "6f1ed-secret-token"
KEY = "key-of-a-url-71c2"


def decoded(header):
    """RFC 2047, one word."""
    coded = re.fullmatch(r"=\?UTF-8\?B\?([A-Za-z0-9+/=]+)\?=", header)
    return base64.b64decode(coded.group(1)).decode() if coded else header


class WebhooksOfEachKind(harness.Case):
    def setUp(self):
        super().setUp()
        self.services = {}

    def put_away(self, box):
        super().put_away(box)
        for service in self.services.values():
            service.close()

    def serve(self, name, *args, **more):
        self.services[name] = Service(*args, **more)
        return self.services[name]

    def secret(self, name, text):
        with open(os.path.join(self.box.folder, name), "w", encoding="utf-8") as f:
            f.write(text + "\n")
        return name

    def hook(self, **entry):
        self.box.config.setdefault("webhooks", []).append(entry)

    def start(self):
        self.box.simple("gate")
        self.box.config["cameras"][0].update(name="Cổng làng")
        self.box.start()

    def first(self, name, timeout_s=40):
        service = self.services[name]
        return wait_until(lambda: service.requests and service.requests[0], timeout_s,
                          "a request at " + name)

    def status_of(self, hook):
        return next((h for h in self.box.status()["webhooks"] if h["id"] == hook), None)

    def event(self, event_id):
        return next(e for e in self.box.events() if e["id"] == event_id)

    # ---- what each type sends

    def test_every_type_as_its_service_documents_it(self):
        bot = {"ok": True, "result": {"message_id": "1"}}
        for name in ("zalo", "telegram"):
            self.serve(name, lambda request: reply(bot))
        self.serve("ntfy", lambda request: reply({"id": "x", "event": "message"}))
        for name in ("json", "form", "multipart", "own"):
            self.serve(name)
        token = self.secret("token", TOKEN)
        for name in ("zalo", "telegram"):
            self.hook(id=name, type=name, url=self.services[name].url("/"), token_file=token,
                      chat_id="-100200")
        self.hook(id="ntfy", type="ntfy", url=self.services["ntfy"].url("/thon-dung"), token=TOKEN)
        self.hook(id="json", type="json",
                  url_file=self.secret("url", self.services["json"].url("/in?key=" + KEY)))
        fields = [{"name": "what", "value": "{text}"}, {"name": "số", "value": "{camera}/{kind} & {"}]
        for name in ("form", "multipart"):
            self.hook(id=name, type=name, url=self.services[name].url("/" + name), fields=fields)
        self.hook(id="own", type="json", url=self.services["own"].url("/"), updates=False,
                  fields=[{"name": "content", "value": "{camera_name} {time} \"{site}\" {id}"}])
        self.start()
        event = self.check_json()
        self.check_zalo(event)
        self.check_telegram(event)
        self.check_ntfy(event)
        self.check_form(event)
        self.check_multipart(event)
        self.check_own(event)
        self.check_once_each()
        self.check_secrets()

    def check_json(self):
        request = self.first("json")
        self.assertEqual((request.method, request.path), ("POST", "/in?key=" + KEY))
        self.assertEqual(request.headers["Content-Type"], "application/json")
        event = request.json()
        self.assertEqual((event["v"], event["site"], event["camera"], event["camera_name"]),
                         (1, "thon-dung", "gate", "Cổng làng"))
        self.assertEqual(base64.b64decode(event["thumbnail"])[:2], b"\xff\xd8")
        self.assertRegex(event["text"], r"^Cổng làng: có người hoặc xe chuyển động .*lúc \d\d:\d\d:\d\d")
        return event

    def check_zalo(self, event):
        """https://bot.zaloplatforms.com/docs: POST {base}/bot{token}/sendMessage, chat_id and text."""
        request = self.first("zalo")
        self.assertEqual((request.method, request.path), ("POST", "/bot%s/sendMessage" % TOKEN))
        self.assertEqual(request.headers["Content-Type"], "application/json")
        self.assertEqual(set(request.json()), {"chat_id", "text"})
        self.assertEqual(request.json()["chat_id"], "-100200")
        self.assert_text(request.json()["text"], event)

    def check_telegram(self, event):
        """https://core.telegram.org/bots/api#sendphoto, with the file as multipart/form-data."""
        request = self.first("telegram")
        self.assertEqual((request.method, request.path), ("POST", "/bot%s/sendPhoto" % TOKEN))
        parts = request.parts()
        self.assertEqual(set(parts), {"chat_id", "caption", "photo"})
        self.assertEqual(parts["chat_id"][0], b"-100200")
        self.assert_text(parts["caption"][0].decode(), event)
        self.assert_jpeg(parts["photo"][0])
        self.assertEqual(parts["photo"][1:], ("gate.jpg", "image/jpeg"))

    def check_ntfy(self, event):
        """https://docs.ntfy.sh/publish: PUT of the file; title, priority, tags, message in headers."""
        request = self.first("ntfy")
        self.assertEqual((request.method, request.path), ("PUT", "/thon-dung"))
        self.assertEqual(request.headers["Authorization"], "Bearer " + TOKEN)
        self.assertEqual(decoded(request.headers["Title"]), "Cổng làng")
        self.assertEqual(request.headers["Priority"], "high")
        self.assertEqual(request.headers["Tags"], "camera,motion")
        self.assertEqual(request.headers["Filename"], "gate.jpg")
        self.assert_text(decoded(request.headers["Message"]), event)
        self.assert_jpeg(request.body)

    def check_form(self, event):
        request = self.first("form")
        self.assertEqual(request.headers["Content-Type"], "application/x-www-form-urlencoded")
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        self.assert_text(form["what"], event)
        self.assertEqual(form["số"], "gate/motion & {")

    def check_multipart(self, event):
        parts = self.first("multipart").parts()
        self.assert_text(parts["what"][0].decode(), event)
        self.assert_jpeg(parts["photo"][0])

    def check_own(self, event):
        body = self.first("own").json()
        self.assertEqual(set(body), {"content"})
        self.assertRegex(body["content"], r'^Cổng làng \d{4}-\d\d-\d\d \d\d:\d\d:\d\d "thon-dung" '
                         + event["id"] + "$")

    def assert_text(self, text, event):
        self.assertTrue(text.startswith(event["text"]), text)

    def assert_jpeg(self, data):
        self.assertEqual((data[:2], data[-2:]), (b"\xff\xd8", b"\xff\xd9"))
        path = os.path.join(self.box.folder, "picture.jpg")
        with open(path, "wb") as f:
            f.write(data)
        self.assertEqual(harness.probe(path, "codec_name")["codec_name"], "mjpeg")

    def check_once_each(self):
        """People are told once of an event; a program of every revision."""
        wait_until(lambda: len({r.json()["id"] for r in self.services["json"].requests}) >= 2, 40,
                   "a second event")
        ids = [r.json()["content"].rpartition(" ")[2] for r in self.services["own"].requests]
        self.assertEqual(len(ids), len(set(ids)))
        first = [r.json()["phase"] for r in self.services["json"].requests
                 if r.json()["id"] == ids[0]]
        self.assertEqual((first[0], first[-1]), ("start", "end"))
        shown = wait_until(lambda: self.status_of("json"), 5, "the webhook in the state")
        self.assertTrue(shown["ok"])
        self.assertIsNotNone(shown["last_delivered"])

    def check_secrets(self):
        """Neither in the log nor in the state, nor in what others see of the processes."""
        seen = self.box.log() + self.box.cli("status")[1] + self.box.cli("status", "--json")[1]
        for path in glob.glob(os.path.join(self.box.storage, "run", "*.json")):
            with open(path, encoding="utf-8") as f:
                seen += f.read()
        for pid in self.box.pids():
            for what in ("cmdline", "environ", "comm"):
                with open("/proc/%d/%s" % (pid, what), "rb") as f:
                    seen += f.read().decode(errors="replace")
        seen += subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(TOKEN, seen)
        self.assertNotIn(KEY, seen)


if __name__ == "__main__":
    harness.main()
