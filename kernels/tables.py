"""What painting reads again and again, in one array, which takes one register to point to.

First orders of bytes, RUN_BYTES for each; then the weights of rows; then those of columns.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels.weights import PHASES, weights

# A register of two pairs of pixels.
RUN_BYTES = 32
# Of sixteen bytes. Those of a pair's weights: for each column, its weight for the three colours of
# either pixel. Those of its tints: the bias of either pixel, likewise. Those of two pairs that are
# painted: their colours without the gaps.
_WORDS = [[k] * 3 + [4 + k] * 3 + [k] * 2 for k in range(4)] + [[6] * 3 + [7] * 3 + [6, 7]]
BIASES, PACKED = 4, 5
ORDERS = [[2 * word + i for word in words for i in (0, 1)] for words in _WORDS]
ORDERS.append([*range(6), *range(8, 14), 6, 7, 14, 15])
# In numbers of 32 bits: where weights of rows begin, how many one phase takes; then columns'.
ROWS, ROW = len(ORDERS) * RUN_BYTES // 4, 4
COLUMNS, COLUMN = ROWS + ROW * (PHASES + 1), 2
SIZE = COLUMNS + COLUMN * (PHASES + 1)


@lru_cache(maxsize=2)
def tables(sharp: bool) -> NDArray[np.int32]:
    """Return orders and weights.

    Parameters
    ----------
    sharp : bool
        As :func:`kernels.weights.weights` has it.

    Returns
    -------
    ndarray of shape (SIZE,), int32
        Each order for a register's halves; for each phase, the weights of the first two rows
        four times over and those of the last two; for each phase, those of four columns.
    """
    across, down = weights(sharp)
    orders = np.tile(np.array(ORDERS, np.int8), (1, 2))
    twos = np.tile(down.reshape(-1, 2, 1, 2), (1, 1, 4, 1))
    parts = (orders, twos, across)
    whole = np.concatenate(
        [np.ascontiguousarray(part).reshape(-1).view(np.int32) for part in parts]
    )
    whole.flags.writeable = False
    return whole
