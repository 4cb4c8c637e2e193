"""Cameras that break in mid-stream, in the units and pictures they send: units without an end,
parameter sets from other worlds, floods. None costs memory, or the honest camera a picture."""

import harness
import harness_hostile
import hostile_modes as modes


class HostilePictures(harness_hostile.HostileCase):
    def test_units_without_an_end_and_sets_from_other_worlds(self):
        self.endure(
            useless=(modes.EndlessUnit, modes.EndlessPicture, modes.AggregatesBeyondTheEnd,
                     modes.FloodOfTinyUnits, modes.HundredThousandSets,
                     modes.SidesOfAMillion, modes.SetsThatOverflow),
            doubtful=(modes.NoiseInSlices, modes.FloodOfTinySlices, modes.ContradictoryFragments, modes.FloodOfTinyPictures,
                      modes.SidesOfSixteenThousand, modes.SidesOfEightThousand,
                      modes.SidesOfNothing, modes.TenThousandSlices, modes.KeyPicturesAlone,
                      modes.NoKeyPicture),
            mid_stream=True)


if __name__ == "__main__":
    harness.main()
