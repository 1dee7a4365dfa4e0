"""What a detector says of readings in order, before delays make alarms of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processor.alarms.segments import Segments
from processor.columns import Bool, Float64, Int8, Int64

State = NDArray[np.void]  # structured, one row a point


@dataclass(frozen=True)
class Steps:
    """In runs. `at`: µs since 1970; `began`: since when it is so; `figure`: what was judged, in the rule's
    own terms; `value`: of the reading with which it became known."""

    runs: Segments
    at: Int64
    began: Int64
    heat: Int8
    figure: Float64
    value: Float64

    def of_runs(self, chosen: Bool, steps: Int64) -> "Steps":
        """Those of some runs, the others being empty. steps: their places."""
        return Steps(
            runs=Segments(np.where(chosen, self.runs.lengths, 0)),
            at=self.at[steps],
            began=self.began[steps],
            heat=self.heat[steps],
            figure=self.figure[steps],
            value=self.value[steps],
        )
