"""What all tests share: seeded randomness, a photograph, private user folders, honest skips."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from livexpr import face_mesh, head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.types import FaceTrack

SHARED_DIR = Path(__file__).resolve().parents[2] / "shared"
SEED = 20170613

# Tests never judge the clock: a busy machine must not fail them.
hypothesis.settings.register_profile(
    "livexpr",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("livexpr")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate-golden",
        action="store_true",
        help="write tests/golden/*.png anew instead of comparing with them; look at them then",
    )

    parser.addoption(
        "--update-ratchet",
        action="store_true",
        help="take over into tests/quality/ratchet.json what has become better, or is new",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with a reason that the summary shows, what this machine cannot run."""
    skips = {}
    if not any(Path("/dev").glob("video[0-9]*")):
        skips["hardware"] = "no video device on this machine (/dev/video*)"
    if not SHARED_DIR.is_dir():
        skips["shared"] = "the development data is not here (../shared)"
    for item in items:
        for marker, reason in skips.items():
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _private_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    """Keep tests away from the presets, settings and running filters of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(home / variable.lower()))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(SEED)


@pytest.fixture(scope="session")
def _astronaut_bgr() -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    pixels.setflags(write=False)
    return pixels


@pytest.fixture
def astronaut(_astronaut_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Eileen Collins, public domain: (512, 512, 3) uint8 BGR, a copy of its own for each test."""
    return _astronaut_bgr.copy()


class SyntheticFace:
    """The mesh at rest, in any pose, and a picture drawn from it: a face that no model has to find.

    Lips and lids are as the canonical face has them, every blendshape is 0.
    """

    def track(
        self,
        *,
        size: tuple[int, int] = (240, 240),
        px_per_cm: float = 10.0,
        yaw_rad: float = 0.0,
        pitch_rad: float = 0.0,
        roll_rad: float = 0.0,
        mouth_cm: float = 0.0,
    ) -> FaceTrack:
        """Return the face in the middle of a frame of `size` (width, height).

        `mouth_cm` moves the lower lip and the chin down by so much.
        """
        mesh = face_mesh.load()
        rest = mesh.rest_cm.astype(np.float64)
        mouth_y = rest[list(face_mesh.INNER_LIP_UPPER), 1].min()
        below = rest[:, 1] < mouth_y
        below[list(face_mesh.INNER_LIP_UPPER)] = False
        below[list(face_mesh.INNER_LIP_LOWER[1:-1])] = True
        # Less towards the sides, so that the corners stay and the mouth opens as mouths do.
        rest[below, 1] -= mouth_cm * np.exp(-((rest[below, 0] / 3) ** 2))
        turn = Rotation.from_euler("YXZ", [yaw_rad, pitch_rad, -roll_rad]).as_matrix()
        linear = px_per_cm * np.diag([1.0, -1.0, -1.0]) @ turn
        centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2, 0.0])
        points = rest @ linear.T + centre
        irises = [points[list(eye)].mean(axis=0) for eye in face_mesh.EYE_CENTRES for _ in range(5)]
        landmarks = np.vstack([points, irises]).astype(np.float32)
        blendshapes = np.zeros(len(BLENDSHAPE_NAMES), np.float32)
        return FaceTrack(landmarks, blendshapes, head_pose.fit_pose(landmarks))

    def draw(self, track: FaceTrack, *, size: tuple[int, int] = (240, 240)) -> NDArray[np.uint8]:
        """Return a picture of the face, (H, W, 3) uint8 BGR: shaded skin, eyes, lips and brows."""
        width, height = size
        rows, columns = np.mgrid[:height, :width]
        pixels = np.stack([90 + 40 * np.sin(columns / 9), 100 + 0 * rows, 80 + rows / 4], axis=2)
        pixels = pixels.astype(np.uint8)
        mesh = face_mesh.load()
        points = track.landmarks_px[: face_mesh.N_LANDMARKS]
        for triangle in mesh.triangles[: mesh.n_face_triangles]:
            if triangle.max() < face_mesh.N_LANDMARKS:
                a, b, c = points[triangle].astype(np.float64)
                normal = np.cross(b - a, c - a)
                facing = abs(normal[2]) / max(np.linalg.norm(normal), 1e-9)
                shade = 0.45 + 0.55 * facing
                self._fill(pixels, points, triangle, (130 * shade, 160 * shade, 210 * shade))
        pixels = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        for upper, lower in (
            (face_mesh.RIGHT_LID_UPPER, face_mesh.RIGHT_LID_LOWER),
            (face_mesh.LEFT_LID_UPPER, face_mesh.LEFT_LID_LOWER),
        ):
            self._fill(pixels, points, upper + lower[::-1], (225, 228, 230))
            middle = points[[*upper, *lower]].mean(axis=0)
            radius = np.linalg.norm(points[upper[0]] - points[upper[-1]]) / 6
            self._circle(pixels, middle, radius, (70, 50, 40))
        self._fill(pixels, points, _OUTER_LIPS, (90, 85, 170))
        lips = face_mesh.INNER_LIP_UPPER + face_mesh.INNER_LIP_LOWER[::-1]
        self._fill(pixels, points, lips, (40, 30, 60))
        for brow in (
            (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
            (300, 293, 334, 296, 336, 285, 295, 282),
        ):
            self._fill(pixels, points, brow, (40, 50, 60))
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.7), np.uint8)

    @staticmethod
    def _fill(pixels, points, ring, colour) -> None:
        corners = np.round(points[list(ring), :2] * 16).astype(np.int32)
        cv2.fillPoly(pixels, [corners], colour, cv2.LINE_AA, 4)

    @staticmethod
    def _circle(pixels, middle, radius, colour) -> None:
        x, y = np.round(middle[:2] * 16).astype(int)
        cv2.circle(pixels, (int(x), int(y)), int(radius * 16), colour, -1, cv2.LINE_AA, 4)


# The outer rim of the lips.
_OUTER_LIPS = (
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    *(375, 321, 405, 314, 17, 84, 181, 91, 146),
)


@pytest.fixture(scope="session")
def synthetic_face() -> SyntheticFace:
    """Faces drawn from the mesh; see the class."""
    return SyntheticFace()
