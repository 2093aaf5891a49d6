"""A small made-up body with dense pose, and its files."""
import numpy as np
from scipy.io import savemat

from mmqanet.evaluation.dense_pose import BodySurface, Distances


def body_tables(seed=0, *, num_vertices=60, copies=20):
    """Charts, UV and mesh vertex of all vertices on charts (some vertices twice), and the square of all distances."""
    rng = np.random.default_rng(seed)
    vertex = np.concatenate([np.arange(num_vertices), rng.integers(0, num_vertices, copies)])
    charts = np.concatenate([np.arange(num_vertices) % 24, rng.integers(0, 24, copies)]) + 1
    places = rng.uniform(0, 0.6, (num_vertices, 3))
    square = np.linalg.norm(places[:, None] - places, axis=2).astype(np.float32)
    return charts, rng.uniform(0, 1, (len(charts), 2)), vertex, square


def small_body(seed=0):
    charts, uv, vertex, square = body_tables(seed)
    return BodySurface(charts, uv, vertex, Distances(square[np.tril_indices(len(square), -1)], len(square)))


def write_body(folder, seed=0, **storage):
    """The three files; ``storage`` are options of h5py for the distances."""
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    charts, uv, vertex, square = body_tables(seed)
    savemat(folder / 'SMPL_subdiv.mat', dict(
        U_subdiv=uv[:, :1], V_subdiv=uv[:, 1:], Part_ID_subdiv=charts[None].astype(np.uint8)))
    savemat(folder / 'SMPL_SUBDIV_TRANSFORM.mat', dict(index=vertex[:, None] + 1.0))
    with h5py.File(folder / 'Pdist_matrix.mat', 'w') as file:
        file.create_dataset('Pdist_matrix', data=square[np.tril_indices(len(square), -1)][:, None], **storage)
    return folder
