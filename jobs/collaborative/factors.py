"""From acts to factors of items, and from factors to where people are. Pure, but for the library that factorises.

Implicit-feedback alternating least squares (Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback
Datasets", ICDM 2008) gives factors Y of items whose inner products with those of people say who would like what. A
catalogue compares by cosines, and a person is folded in from their own items alone; so two things are done to Y.

Whitening. A person x of the paper solves (Y'Y + lambda I + Y_u'(C_u - I)Y_u) x = Y_u' c_u, where Y'Y + lambda I = G is
over the whole catalogue, which nobody outside of here knows. With Z = Y G^(-1/2) and z = G^(1/2) x the products stay as
they are, x.y = z.(G^(-1/2) y), and G becomes the identity: then what a person is follows from their own items' rows.

Slack. Rows of Z are as long as their items are liked, which a cosine would take away. A number more makes all rows
equally long without changing a product with somebody who has 0 there (Bachrach et al., "Speeding Up the Xbox
Recommender System Using a Euclidean Transformation for Inner-Product Spaces", RecSys 2014):

    row = (z / m, sqrt(1 - |z|^2 / m^2)),   m = the greatest |z|

Where somebody is, is the fold of services/profile/collaborative/placing.py, over the rows without slack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from implicit.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from jobs.collaborative.acts import Acts, Float64
from jobs.kmeans import Float32

FOLD_REGULARISATION = 4.0
"""In clicks; that of the profile service."""


@dataclass(frozen=True)
class Recipe:
    """How factors are learned. The defaults are what validation on MovieLens-100k says (bench/recommendation).

    factors         how many, at least 1; a row has one number more
    regularisation  lambda, above 0
    confidence      of a click; an item nobody touched has 1
    recent          a person's act counts half when so many have come after it, when they are placed; infinite: never
    """

    factors: int = 64
    regularisation: float = 10.0
    confidence: float = 0.5
    iterations: int = 15
    recent: float = 50.0
    seed: int = 1


def learned(acts: Acts, recipe: Recipe, on_round: Callable[[], None] = lambda: None) -> Float32:
    """(items, F + 1) float32 rows of unit norm; an item that nobody liked has slack alone. The same acts and recipe
    give the same rows. `on_round` is told of each iteration."""
    _, items = factorised(_rated(acts, acts.clicks * recipe.confidence), recipe, on_round)
    items[_unliked(acts)] = 0.0  # they keep what chance gave them, pulled towards nothing
    return with_slack(whitened(items, recipe.regularisation))


def factorised(
    rated: sparse.csr_matrix, recipe: Recipe, on_round: Callable[[], None] = lambda: None
) -> tuple[Float64, Float64]:
    """(people, items) float32 confidences, negative for what is disliked, to factors of both, (people, F) and
    (items, F), by one thread: more of them sum in another order each time."""
    with threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=recipe.factors,
            regularization=recipe.regularisation,
            alpha=1.0,
            iterations=recipe.iterations,
            num_threads=1,
            random_state=recipe.seed,
            use_gpu=False,
        )
        model.fit(rated, show_progress=False, callback=lambda *_: on_round())
    people, items = (np.asarray(each, dtype=np.float64) for each in (model.user_factors, model.item_factors))
    return people, items


def whitened(factors: Float64, regularisation: float) -> Float64:
    """(n, F): Y G^(-1/2)."""
    gram = factors.T @ factors + regularisation * np.eye(factors.shape[1])
    values, vectors = np.linalg.eigh(gram)
    rows: Float64 = factors @ (vectors / np.sqrt(values)) @ vectors.T
    return rows


def with_slack(rows: Float64) -> Float32:
    """(n, F) to (n, F + 1) of unit norm; rows that are all zero have slack alone."""
    lengths = np.linalg.norm(rows, axis=1)
    scaled = rows / (lengths.max(initial=0.0) or 1.0)
    slack = np.sqrt(np.maximum(0.0, 1.0 - np.sum(scaled * scaled, axis=1)))
    return np.column_stack([scaled, slack]).astype(np.float32)


def placed(acts: Acts, rows: Float32, recipe: Recipe, on_person: Callable[[], None] = lambda: None) -> Float32:
    """(people, F + 1) float32: where everybody is, of unit norm and without slack; who likes nothing is all zero.
    `on_person` is told of each."""
    weighed = acts.clicks * np.exp2(-acts.turns / recipe.recent).astype(np.float32)
    rated = _rated(acts, weighed)
    inner = rows[:, :-1].astype(np.float64)
    people = np.zeros((acts.people_count, rows.shape[1]), dtype=np.float32)
    for person in range(acts.people_count):
        own = slice(rated.indptr[person], rated.indptr[person + 1])
        vector = fold(inner[rated.indices[own]], rated.data[own].astype(np.float64))
        people[person, :-1] = vector
        on_person()
    return people


def fold(rows: Float64, clicks: Float64) -> Float64:
    """(n, F) rows of somebody's items without slack, (n,) clicks spent on each → (F,) of unit norm, or all zero."""
    confidence = np.abs(clicks)
    gram = (rows * confidence[:, None]).T @ rows + FOLD_REGULARISATION * np.eye(rows.shape[1])
    solved: Float64 = np.linalg.solve(gram, rows.T @ (confidence * (clicks > 0)))
    length = np.linalg.norm(solved)
    return solved / length if length > 1e-9 else np.zeros_like(solved)


def _rated(acts: Acts, weights: Float32) -> sparse.csr_matrix:
    """(people, items) float32: sums of weights; what somebody likes as much as they dislike it is left out."""
    shape = (acts.people_count, acts.items_count)
    found = sparse.coo_matrix((weights, (acts.people, acts.items)), shape=shape).tocsr()
    found.eliminate_zeros()
    return found


def _unliked(acts: Acts) -> NDArray[np.bool_]:
    liked = np.zeros(acts.items_count, dtype=np.bool_)
    liked[acts.items[acts.clicks > 0]] = True
    return ~liked
