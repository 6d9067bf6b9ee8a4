"""Apply a pixel map to a picture: one fused pass over the target triangles.

For every covered pixel: its source position (affine in the triangle), its place in the map, a
bilinear sample of the input, gain and bias (or the mouth picture), rounding to uint8. Pixels that
no triangle covers keep what `out` held.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

# Rows are dealt out in bands, so that each thread tests a triangle against a band only once.
BAND_ROWS = 8
# A triangle that moves by less than this and changes no colour is left as it is; px.
STILL_PX = 1 / 64


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _setup_jit(planes, target, values, triangles, n_plain, still_px):  # type: ignore[no-untyped-def]
    """Write each triangle's affine planes of its five values; return how many are drawn.

    planes : (T, 24) float32 out: three corners sorted by y (6), anchor x y (2),
        then value, d/dx, d/dy of each of the five values (15), kind (1: 0 map, 1 picture).
    """
    drawn = 0
    n_map = triangles.shape[0] - n_plain
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = target[a, 0], target[a, 1]
        bx, by = target[b, 0], target[b, 1]
        cx, cy = target[c, 0], target[c, 1]
        # Twice the signed area; back faces, folded and empty triangles are not drawn.
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if not area > np.float32(1e-4):
            continue
        is_picture = t >= n_map
        still = not is_picture
        for k in range(3):
            v = triangles[t, k]
            still = still and abs(target[v, 0] - values[v, 0]) < still_px
            still = still and abs(target[v, 1] - values[v, 1]) < still_px
            still = still and values[v, 4] == 0
        if still:
            continue
        plane = planes[drawn]
        drawn += 1
        # Sorted by y, then x, so that two triangles cut a shared edge at the same place.
        if by < ay or (by == ay and bx < ax):
            a, b = b, a
        if target[c, 1] < target[a, 1] or (
            target[c, 1] == target[a, 1] and target[c, 0] < target[a, 0]
        ):
            a, c = c, a
        if target[c, 1] < target[b, 1] or (
            target[c, 1] == target[b, 1] and target[c, 0] < target[b, 0]
        ):
            b, c = c, b
        plane[0], plane[1] = target[a, 0], target[a, 1]
        plane[2], plane[3] = target[b, 0], target[b, 1]
        plane[4], plane[5] = target[c, 0], target[c, 1]
        abx, aby = plane[2] - plane[0], plane[3] - plane[1]
        acx, acy = plane[4] - plane[0], plane[5] - plane[1]
        inverse = np.float32(1) / (abx * acy - acx * aby)
        for k in range(5):
            ab = values[b, k] - values[a, k]
            ac = values[c, k] - values[a, k]
            plane[6 + 3 * k] = values[a, k]
            plane[7 + 3 * k] = (ab * acy - ac * aby) * inverse
            plane[8 + 3 * k] = (ac * abx - ab * acx) * inverse
        plane[21] = np.float32(1) if is_picture else np.float32(0)
    return drawn


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy", fastmath={"contract", "nsz"})
def _apply_jit(out, src, planes, n_drawn, gain_bias, picture, light):  # type: ignore[no-untyped-def]
    """Draw the triangles of `planes` from `src` into `out`; see :func:`apply`."""
    height, width = src.shape[0], src.shape[1]
    top, bottom = np.float32(height), np.float32(0)
    for t in range(n_drawn):
        top = min(top, planes[t, 1])
        bottom = max(bottom, planes[t, 5])
    first_row = max(0, int(np.ceil(top)))
    last_row = min(height, int(np.ceil(bottom)))
    if last_row <= first_row:
        return
    n_bands = (last_row - first_row + BAND_ROWS - 1) // BAND_ROWS
    size = gain_bias.shape[0]
    picture_size = picture.shape[0]
    far_x, far_y = np.float32(width - 1), np.float32(height - 1)
    far_u = np.float32(size - 1)
    far_p = np.float32(picture_size - 1)
    one, half = np.float32(1), np.float32(0.5)
    sixth = np.float32(1 / 6)
    zero, white = np.float32(0), np.float32(255)
    for band in numba.prange(n_bands):
        band_start = first_row + band * BAND_ROWS
        band_stop = min(last_row, band_start + BAND_ROWS)
        for t in range(n_drawn):
            p = planes[t]
            y_start = max(band_start, int(np.ceil(p[1])))
            y_stop = min(band_stop, int(np.ceil(p[5])))
            for y in range(y_start, y_stop):
                fy = np.float32(y)
                # Where the row cuts the long edge and the short one that it meets.
                cut_long = p[0] + (fy - p[1]) * ((p[4] - p[0]) / (p[5] - p[1]))
                if fy < p[3]:
                    cut_short = p[0] + (fy - p[1]) * ((p[2] - p[0]) / (p[3] - p[1]))
                else:
                    cut_short = p[2] + (fy - p[3]) * ((p[4] - p[2]) / (p[5] - p[3]))
                x_start = max(0, int(np.ceil(min(cut_long, cut_short))))
                x_stop = min(width, int(np.ceil(max(cut_long, cut_short))))
                dy = fy - p[1]
                for x in range(x_start, x_stop):
                    dx = np.float32(x) - p[0]
                    sx = min(max(p[6] + dx * p[7] + dy * p[8], zero), far_x)
                    sy = min(max(p[9] + dx * p[10] + dy * p[11], zero), far_y)
                    u = min(max(p[12] + dx * p[13] + dy * p[14], zero), one)
                    v = min(max(p[15] + dx * p[16] + dy * p[17], zero), one)
                    amount = p[18] + dx * p[19] + dy * p[20]

                    x0, y0 = np.intp(sx), np.intp(sy)
                    x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
                    wx, wy = sx - np.float32(x0), sy - np.float32(y0)
                    w11 = wx * wy
                    w01 = wx - w11
                    w10 = wy - w11
                    w00 = one - wx - w10
                    blue = (
                        w00 * src[y0, x0, 0]
                        + w01 * src[y0, x1, 0]
                        + w10 * src[y1, x0, 0]
                        + w11 * src[y1, x1, 0]
                    )
                    green = (
                        w00 * src[y0, x0, 1]
                        + w01 * src[y0, x1, 1]
                        + w10 * src[y1, x0, 1]
                        + w11 * src[y1, x1, 1]
                    )
                    red = (
                        w00 * src[y0, x0, 2]
                        + w01 * src[y0, x1, 2]
                        + w10 * src[y1, x0, 2]
                        + w11 * src[y1, x1, 2]
                    )
                    if p[21] == zero:
                        if amount != zero:
                            u, v = u * far_u, v * far_u
                            i0, j0 = np.intp(v), np.intp(u)
                            i1, j1 = min(i0 + 1, size - 1), min(j0 + 1, size - 1)
                            wu, wv = u - np.float32(j0), v - np.float32(i0)
                            w11 = wu * wv
                            w01 = wu - w11
                            w10 = wv - w11
                            w00 = one - wu - w10
                            m00, m01 = gain_bias[i0, j0], gain_bias[i0, j1]
                            m10, m11 = gain_bias[i1, j0], gain_bias[i1, j1]
                            e0 = amount * (w00 * m00[0] + w01 * m01[0] + w10 * m10[0] + w11 * m11[0])
                            e1 = amount * (w00 * m00[1] + w01 * m01[1] + w10 * m10[1] + w11 * m11[1])
                            e2 = amount * (w00 * m00[2] + w01 * m01[2] + w10 * m10[2] + w11 * m11[2])
                            b = amount * light[3] * (
                                w00 * m00[3] + w01 * m01[3] + w10 * m10[3] + w11 * m11[3]
                            )
                            # exp(e) by its series: |e| stays well below 1.
                            blue = blue * (one + e0 * (one + e0 * (half + e0 * sixth))) + b
                            green = green * (one + e1 * (one + e1 * (half + e1 * sixth))) + b
                            red = red * (one + e2 * (one + e2 * (half + e2 * sixth))) + b
                    else:
                        u, v = u * far_p, v * far_p
                        i0, j0 = np.intp(v), np.intp(u)
                        i1, j1 = min(i0 + 1, picture_size - 1), min(j0 + 1, picture_size - 1)
                        wu, wv = u - np.float32(j0), v - np.float32(i0)
                        w11 = wu * wv
                        w01 = wu - w11
                        w10 = wv - w11
                        w00 = one - wu - w10
                        m00, m01 = picture[i0, j0], picture[i0, j1]
                        m10, m11 = picture[i1, j0], picture[i1, j1]
                        alpha = w00 * m00[3] + w01 * m01[3] + w10 * m10[3] + w11 * m11[3]
                        alpha = min(max(alpha * amount, zero), one)
                        b0 = w00 * m00[0] + w01 * m01[0] + w10 * m10[0] + w11 * m11[0]
                        b1 = w00 * m00[1] + w01 * m01[1] + w10 * m10[1] + w11 * m11[1]
                        b2 = w00 * m00[2] + w01 * m01[2] + w10 * m10[2] + w11 * m11[2]
                        blue += alpha * (b0 * light[0] - blue)
                        green += alpha * (b1 * light[1] - green)
                        red += alpha * (b2 * light[2] - red)
                    out[y, x, 0] = np.uint8(min(max(blue, zero), white) + half)
                    out[y, x, 1] = np.uint8(min(max(green, zero), white) + half)
                    out[y, x, 2] = np.uint8(min(max(red, zero), white) + half)


def apply(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    gain_bias: NDArray[np.float32],
    picture: NDArray[np.float32],
    light: NDArray[np.float32],
) -> None:
    """Draw the triangles, sampling `src`, into `out`.

    Parameters
    ----------
    out : ndarray of shape (H, W, 3), uint8
        Written to where a triangle covers a pixel's centre. Must not overlap `src`.
    src : ndarray of shape (H, W, 3), uint8
        The input picture, C-contiguous.
    target : ndarray of shape (V, 2), float32
        Where each vertex is drawn, x and y in px of `out`.
    values : ndarray of shape (V, 5), float32
        Per vertex: source x and y in px of `src`; u and v in [0, 1] of the map or picture;
        amount: the exponent of the gain and factor of the bias, or the picture's opacity.
    triangles : ndarray of shape (T, 3), int32
        Vertex indices. Only those that run clockwise as seen (y down) in `target` are drawn,
        in this order. Those that change nothing are passed over.
    n_picture_triangles : int
        The last so many triangles show `picture`; the others observe the map.
    gain_bias : ndarray of shape (S, S, 4), float32
        Logarithm of the gain for the three channels, and the bias in units of ``light[3]``.
    picture : ndarray of shape (M, M, 4), float32
        Three channels in units of ``light[:3]``, and opacity in [0, 1].
    light : ndarray of shape (4,), float32
        Grey levels.

    Raises
    ------
    ValueError
        If an array has another shape or type, or `out` shares memory with `src`.

    Notes
    -----
    Per pixel ``y(u) = g(u)^a x(u + d(u)) + a b(u)``: each output pixel observes one input
    position, as in Akram & Khan (2020), arXiv 2010.14397, eq. 4, and chooses where.
    The exponential is taken as its series up to the third power.
    """
    if out.shape != src.shape or src.ndim != 3 or src.shape[2] != 3:
        raise ValueError(f"out and src must both be (H, W, 3), got {out.shape} and {src.shape}")
    if out.dtype != np.uint8 or src.dtype != np.uint8:
        raise ValueError(f"out and src must be uint8, got {out.dtype} and {src.dtype}")
    if np.may_share_memory(out, src):
        raise ValueError("out must not share memory with src: rows would read what others wrote")
    if values.shape != (len(target), 5):
        raise ValueError(f"values must be ({len(target)}, 5), got {values.shape}")
    for name, array in (("gain_bias", gain_bias), ("picture", picture)):
        if array.ndim != 3 or array.shape[0] != array.shape[1] or array.shape[2] != 4:
            raise ValueError(f"{name} must be (S, S, 4), got {array.shape}")
    planes = np.empty((len(triangles), 22), np.float32)
    drawn = _setup_jit(planes, target, values, triangles, n_picture_triangles, np.float32(STILL_PX))
    if drawn:
        _apply_jit(out, src, planes, drawn, gain_bias, picture, light)
