"""Cameras that break in mid-stream, in their connection or in the datagrams they send: what can be
read past is read past, the rest is told, and the honest camera beside them loses nothing."""

import harness
import harness_hostile
import hostile_modes as modes


class HostileDatagrams(harness_hostile.HostileCase):
    def test_noise_and_lies_between_the_pictures(self):
        self.endure(
            useless=(modes.NoiseOnTheLine, modes.SlowStream, modes.FallsSilent,
                     modes.AsksWithoutEnd, modes.NoiseForDatagrams, modes.ShortDatagrams,
                     modes.OtherPayloadType),
            doubtful=(modes.FramesThatLie, modes.NoiseForPictures, modes.ManySources,
                      modes.SequenceOfLots, modes.TimesOfLots, modes.TimeStandsStill,
                      modes.TearsDown, modes.HangsUp, modes.SaysBye),
            harmless=(modes.OtherChannels, modes.Asks, modes.AnswersUnasked, modes.EmptyBetween,
                      modes.NoiseForRtcp, modes.ReportsOfLots, modes.EveryDatagramTwice),
            mid_stream=True)


if __name__ == "__main__":
    harness.main()
