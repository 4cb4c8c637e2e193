"""The box's clock is set forward an hour, then back a day, while it records: all of it is found."""

import datetime
import json

import harness
from harness import instant, seconds, wait_until

HOUR_S = 3600
DAY_S = 86400
FRAGMENT_S = 1
PHASE_S = 5


def later(when, by_s):
    return when + datetime.timedelta(seconds=by_s)


class Phase:
    """Some seconds of recording under one setting of the clock. Times are the box's."""

    def __init__(self, clock, ahead_s):
        clock.set(ahead_s)
        self.clock = clock
        self.ahead = clock.ahead
        self.start = clock.now()
        self.end = None

    def over(self):
        self.end = harness.now() + self.ahead

    def length(self):
        return (self.end - self.start).total_seconds()


class ClockStepsWhileRecording(harness.Case):
    def setUp(self):
        super().setUp()
        self.clock = harness.FakeClock(self, self.box)

    def record_phase(self, ahead_s):
        """Until that much is recorded, and an event has begun, with the clock so far ahead."""
        phase = Phase(self.clock, ahead_s)

        def enough():
            self.box.expect_alive()
            status, out, _ = self.box.cli("coverage", "--camera", "gate", "--json", "--from",
                                          harness.rfc3339(phase.start))
            return status == 0 and json.loads(out)["recorded_s"] >= PHASE_S and \
                self.events_of(phase)
        wait_until(enough, 30, "%d s and an event with the clock at %+d s" % (PHASE_S, ahead_s))
        phase.over()
        return phase

    def events_of(self, phase):
        end = phase.end or self.clock.now()
        return [e for e in self.box.events("--camera", "gate", "--from",
                                           harness.rfc3339(phase.start), "--to",
                                           harness.rfc3339(end))
                if phase.start <= instant(e["start"]) <= end]

    def record_three_phases(self):
        self.box.simple("gate")
        self.box.start()
        self.box.wait_recorded("gate", 1)
        phases = [self.record_phase(ahead) for ahead in (0, HOUR_S, HOUR_S - DAY_S)]
        self.assertEqual(self.box.stop()[0], 0)
        return phases

    def check_span(self, coverage):
        self.assert_adds_up(coverage)
        for span in coverage["spans"] + coverage["gaps"]:
            self.assertGreaterEqual(seconds(span), 0, coverage)

    def check_phase(self, phase, stream):
        """Recorded but for a fragment at each end; what is asked is what is answered for."""
        coverage = self.box.coverage("gate", phase.start, phase.end, stream)
        self.check_span(coverage)
        self.assertEqual(coverage["from"], harness.rfc3339(phase.start))
        self.assertGreater(coverage["recorded_s"], phase.length() - 2 * FRAGMENT_S, coverage)

    def check_forward_step(self, before, after, stream):
        """The hour that the clock left out is a gap with its cause, and the only one there."""
        coverage = self.box.coverage("gate", before.start, after.end, stream)
        self.check_span(coverage)
        inner = [g for g in coverage["gaps"]
                 if instant(g["from"]) > later(before.start, FRAGMENT_S)
                 and instant(g["to"]) < later(after.end, -FRAGMENT_S)]
        self.assertEqual([g["cause"] for g in inner], ["clock"], coverage)
        self.assertAlmostEqual(seconds(inner[0]), HOUR_S, delta=FRAGMENT_S)

    def check_everything(self, phases, stream):
        """From the first to the last second that the box's clock ever showed."""
        coverage = self.box.coverage("gate", later(phases[2].start, -60), later(phases[1].end, 60),
                                     stream)
        self.check_span(coverage)
        self.assertEqual(coverage["deleted_s"], 0)
        self.assertEqual(len(coverage["spans"]), 3, coverage)
        self.assertEqual([g for g in coverage["gaps"] if g["cause"] == "unknown"], [])
        # no second is missing of those in which it recorded, the steps among them
        took = (phases[2].end - phases[2].ahead) - (phases[0].start - phases[0].ahead)
        self.assertGreater(coverage["recorded_s"], took.total_seconds() - 3 * FRAGMENT_S)

    def check_events(self, phase):
        """They begin and end under one setting of the clock."""
        events = self.events_of(phase)
        self.assertTrue(events)
        for event in events:
            self.assertLessEqual(instant(event["start"]), instant(event["end"]), event)
            self.assertLessEqual(instant(event["end"]), later(phase.end, FRAGMENT_S), event)

    def test_old_and_new_footage_and_events_are_found(self):
        phases = self.record_three_phases()
        self.assert_fsck_clean()
        self.clock.set(HOUR_S + 60)  # set right again, beyond all that was recorded
        for stream in ("main", "sub"):
            for phase in phases:
                self.check_phase(phase, stream)
            self.check_forward_step(phases[0], phases[1], stream)
            self.check_everything(phases, stream)
        for phase in phases:
            self.check_events(phase)

    def test_the_next_start_goes_on_under_another_clock(self):
        phases = self.record_three_phases()
        self.clock.set(HOUR_S + 60)
        self.box.start()
        fresh = self.record_phase(HOUR_S + 60)
        self.assertEqual(self.box.stop()[0], 0)
        for phase in phases + [fresh]:
            if phase is not fresh:
                self.check_phase(phase, "main")
            self.check_events(phase)
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()
