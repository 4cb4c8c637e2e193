"""An alert that nobody acknowledges calls the next one of the list, over a restart too."""

import json

import harness
from harness import wait_until

PREFIX = "roadwatch/thon-dung/"


class NobodyAnswers(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate")
        self.box.config["escalation"] = {"after": "5s", "to": ["Hà", "Anh Dũng", "Ông Tư"]}
        self.box.add_broker()
        self.box.start()

    def calls(self):
        return [m.json() for m in self.box.phone.on("/thon-dung/escalate") if not m.retained]

    def test_the_next_name_is_called_until_somebody_answers(self):
        wait_until(self.calls, 40, "the first name")
        first = self.calls()[0]
        event = self.box.phone.events("gate")[0]
        self.assertEqual((first["to"], first["step"], first["of"]), ("Hà", 1, 3))
        self.assertEqual((first["id"], first["camera"]), (event["id"], "gate"))
        self.assertIn("Nhờ Hà đi xem: gate: có người hoặc xe chuyển động lúc", first["text"])
        self.box.stop()
        self.box.start()
        wait_until(lambda: len(self.calls()) == 2, 30, "the second name, after a restart")
        self.assertEqual(self.calls()[1]["to"], "Anh Dũng")
        self.assertEqual(self.calls()[1]["id"], event["id"], "others began meanwhile")
        self.box.broker.publish(PREFIX + "event/%s/ack" % event["id"], json.dumps({"by": "Dũng"}))
        wait_until(lambda: [e for e in self.box.phone.events("gate") if e.get("acked_by")], 10,
                   "the answer")
        answered = len(self.calls())
        wait_until(lambda: len(self.calls()) > answered, 30, "a later alert to call")
        self.assertNotEqual(self.calls()[answered]["id"], event["id"])
        self.assertEqual(self.calls()[answered]["to"], "Hà", "from the first name again")


if __name__ == "__main__":
    harness.main()
