"""Webhooks that hang, refuse, send elsewhere or cannot be trusted: none holds back another or the
broker, nothing is lost, and the state says what is wrong."""

import os
import subprocess

import harness
import harness_outbox
from harness import instant, wait_until
from harness_hooks import Service, reply

PAST, HOURS = 33, 3


class WebhooksThatFail(harness.Case):
    def setUp(self):
        super().setUp()
        self.services = {}
        self.box.simple("gate")

    def put_away(self, box):
        super().put_away(box)
        for service in self.services.values():
            service.close()

    def serve(self, name, *args, scheme="http", host="127.0.0.1", certificate=None, **more):
        service = self.services[name] = Service(*args, certificate=certificate)
        url = "%s://%s:%d/in" % (scheme, host, service.port)
        self.box.config.setdefault("webhooks", []).append(
            dict({"id": name, "type": "json", "url": url}, **more))
        return service

    def state(self, name):
        return next((h for h in self.box.status()["webhooks"] if h["id"] == name), {})

    def says(self, name, *words, timeout_s=10):
        wait_until(lambda: all(w in self.state(name).get("reason", "") for w in words), timeout_s,
                   "%s to say %s" % (name, words))
        self.assertTrue(self.box.lines("webhook " + name, *words), "and in the log")

    def certificate(self):
        """Of localhost, signed by itself."""
        cert, key = (os.path.join(self.box.folder, name) for name in ("hook.crt", "hook.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", cert], check=True, capture_output=True, timeout=30)
        return cert, key

    # ---- side by side with those that are well

    def test_a_webhook_that_fails_holds_back_nobody(self):
        self.box.add_broker()
        pair = self.certificate()
        self.services["elsewhere"] = elsewhere = Service()
        good = self.serve("good")
        dead = self.serve("dead")
        dead.hold()
        self.serve("moved", lambda request: (302, {"Location": elsewhere.url("/")}, b""))
        picky = self.serve("picky", lambda request: reply({"error": "no such hook"}, 404))
        times = iter([429, 429])
        busy = self.serve("busy", lambda request: reply({}, next(times, 200), **{"Retry-After": "2"}))
        secure = self.serve("secure", scheme="https", host="localhost", certificate=pair,
                            ca_file="hook.crt")
        strange = self.serve("strange", scheme="https", host="localhost", certificate=pair)
        self.box.start()
        alerts = wait_until(lambda: len(self.box.phone.on("/gate/event")) > 2 and
                            self.box.phone.on("/gate/event"), 40, "alerts at the broker")
        for alert in alerts:
            ready = [t for t in (alert.json()["end"], alert.json()["times"]["decided"]) if t]
            self.assertLess(alert.when - max(instant(t).timestamp() for t in ready), 3)
        wait_until(lambda: good.requests and secure.requests, 5, "those that are well")
        self.assertGreater(len(dead.came), 0)
        wait_until(lambda: self.state("dead")["waiting"] > 0, 5, "events to wait")
        self.says("moved", "redirect", "set url to where it leads")
        self.assertEqual(elsewhere.came, [])
        self.check_refusals(picky)
        self.check_patience(busy)
        self.says("strange", "the certificate of localhost:%d is not accepted" % strange.port)
        self.assertEqual(strange.came, [])
        status, took = self.box.stop()
        self.assertEqual((status, took < 5), (0, True))
        self.check_nothing_is_lost(dead)

    def check_refusals(self, picky):
        """Told once, passed over, counted."""
        wait_until(lambda: self.state("picky")["refused"] >= 2, 40, "two refusals")
        keys = [(r.json()["id"], r.json()["revision"]) for r in picky.came]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertTrue(self.box.lines("webhook picky refused the event " + keys[0][0] + " of gate",
                                       "HTTP 404: no such hook"))
        self.assertFalse(self.state("picky")["ok"])

    def check_patience(self, busy):
        wait_until(lambda: busy.requests, 15, "the busy one")
        for before, after in zip(busy.came, busy.came[1:3]):
            self.assertGreaterEqual(after.when - before.when, 1.95)
        self.assertEqual(busy.came[0].json()["id"], busy.requests[0].json()["id"])

    def check_nothing_is_lost(self, dead):
        wanted = {e["id"] for e in self.box.events() if e["phase"] == "end"}
        dead.release()
        harness_outbox.play_alerts(self.box)
        wait_until(lambda: wanted <= {r.json()["id"] for r in dead.requests}, 10,
                   "what waited for the dead one")

    # ---- a past


    def test_a_kill_loses_nothing_and_a_backlog_begins_with_a_digest(self):
        service = self.serve("hook")
        late = self.serve("late")
        self.box.config["webhooks"].pop()
        self.box.start()
        wait_until(lambda: harness_outbox.pictured_event(self.box, "gate"), 40, "an event to end")
        wait_until(lambda: service.requests, 10, "the webhook to begin")
        self.box.stop()
        service.came.clear()
        service.requests.clear()
        ids = harness_outbox.add_past(self.box, "gate", PAST, HOURS)
        recent = ids[-(PAST // HOURS):]
        self.add_late(late)
        self.kill_in_the_middle(service)
        harness_outbox.play_alerts(self.box)
        told = wait_until(lambda: set(recent) <= self.told(service) and self.told(service), 20,
                          "the last hour")
        self.assertLessEqual(told & set(ids), set(recent) | {ids[-len(recent) - 1]})
        digest = service.requests[0].json()
        self.assertGreaterEqual(digest["events"], PAST)
        self.assertRegex(digest["text"], r"^gate: \d+ cảnh báo chưa gửi được, từ ")
        order = [r.json()["id"] for r in service.requests if r.json().get("id") in recent]
        self.assertEqual(list(dict.fromkeys(order)), recent)
        wait_until(lambda: self.state("hook").get("waiting") == 0, 5, "nothing to wait")
        self.assertEqual(late.came, [], "who comes later is not told of the past")

    @staticmethod
    def told(service):
        return {r.json()["id"] for r in service.requests if "id" in r.json()}

    def add_late(self, late):
        self.box.config["webhooks"].append({"id": "late", "type": "json", "url": late.url("/")})
        self.box.write_config()

    def kill_in_the_middle(self, service):
        """While it waits for the answer to the fourth request."""
        def answer(request):
            if len(service.came) == 4:
                service.hold()
                service.gate.wait()
            return 200, {}, b""
        service.answer = answer
        harness_outbox.play_alerts(self.box)
        wait_until(lambda: len(service.came) >= 4, 20, "four requests")
        harness_outbox.kill(self.box)
        service.answer = lambda request: (200, {}, b"")
        service.release()


if __name__ == "__main__":
    harness.main()
