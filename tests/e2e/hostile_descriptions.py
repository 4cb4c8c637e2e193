"""Cameras that describe themselves in bombs, answer in other languages than RTSP, or agree on what
cannot be: refused or read as far as it makes sense, and their words do not reach the log raw."""

import harness
import harness_hostile
import hostile_modes as modes


class HostileDescriptions(harness_hostile.HostileCase):
    def test_bombs_noise_and_agreements_that_cannot_be(self):
        self.endure(
            useless=(modes.BrokenDescription, modes.AbsurdNumbers, modes.NoiseForAnAnswer,
                     modes.SpeaksFirst, modes.SpeaksHttp, modes.ControlCharacters),
            doubtful=(modes.HundredThousandLines, modes.LineOfTenMegabytes, modes.SetsOfAMegabyte,
                      modes.ThirtyThousandTracks, modes.ThirtyThousandFormats, modes.WrongCseq,
                      modes.AbsurdCseq, modes.SessionOfAMegabyte, modes.TransportBeyondChannels,
                      modes.TransportBelowChannels, modes.TransportOfPorts, modes.TransportOfNoise),
            harmless=(modes.SessionForNoTime, modes.SessionForLessThanNoTime))


if __name__ == "__main__":
    harness.main()
