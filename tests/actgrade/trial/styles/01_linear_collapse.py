"""Right answers to 01_linear_collapse in the styles in which people write; all get full marks."""
# ruff: noqa


# %% q1: a class with __call__
class _Collapse:
    """Named like nothing in the course."""

    def __call__(self, W1, b1, W2, b2):
        return W1.dot(W2), b1.dot(W2) + b2


collapse = _Collapse()

# %% q1: a lambda
collapse = lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2 + b2)


# %% q1: type hints and keyword-only helpers named x and mean
def x(*, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.tensordot(left, right, axes=1)


def mean(b: np.ndarray, W: np.ndarray) -> np.ndarray:
    return np.tensordot(b, W, axes=1)


def collapse(
    W1: "np.ndarray", b1: "np.ndarray", W2: "np.ndarray", b2: "np.ndarray"
) -> tuple[np.ndarray, np.ndarray]:
    return x(left=W1, right=W2), mean(b1, W2) + b2


# %% q2: accumulate with a decorator around it
from functools import wraps
from itertools import accumulate


def last(function):
    @wraps(function)
    def inner(*args, **kwargs):
        *_, final = function(*args, **kwargs)
        return final

    return inner


@last
def collapse_all(layers):
    return accumulate(layers, lambda a, z: (a[0] @ z[0], a[1] @ z[0] + z[1]))


# %% q2: a dataclass that knows how to be followed by another
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    W: np.ndarray
    b: np.ndarray

    def __or__(self, other: "Layer") -> "Layer":
        return Layer(self.W @ other.W, self.b @ other.W + other.b)


def collapse_all(layers):
    total, *rest = (Layer(*layer) for layer in layers)
    for layer in rest:
        total = total | layer
    return total.W, total.b


# %% q3: helpers called show_ and np2, a walrus
import numpy as np2


def show_(f, n, count=64):
    rng = np2.random.default_rng(3)
    a, b = rng.normal(size=(2, count, n)) * 2
    zero = f(np2.zeros((1, n)))
    size = 1e-7 * max(np2.abs(f(a)).max(), np2.abs(f(b)).max(), np2.abs(zero).max())
    straight = np2.allclose(f(a + b), f(a) + f(b) - zero, rtol=0, atol=size)
    scaled = np2.allclose(f(-3 * a), -3 * (f(a) - zero) + zero, rtol=0, atol=size)
    return straight and scaled, zero, size


def kind(f, n):
    if not (found := show_(f, n))[0]:
        return "neither"
    return "linear" if np2.allclose(found[1], 0, atol=found[2]) else "affine"


# %% q4: eigenvectors of the Gram matrix of the rows, with a nested function
def lost_directions(layers):
    def product(left, rest):
        return left if not rest else product(left @ rest[0][0], rest[1:])

    W = product(layers[0][0], layers[1:])
    U, s, Vt = np.linalg.svd(W, full_matrices=True)
    s = np.pad(s, (0, W.shape[0] - len(s)))
    return np.ascontiguousarray(U[:, s <= s.max() * 1e-9])


# %% q5: numbers from lists, unusual spacing
def   xor_relu( ):
        W1 = np.asarray( [ [ 2. , -2. ] , [ -2. , 2. ] ] ) ;
        return ( W1 , np.zeros( 2 ) ,
                 np.full( 2 , 15. ) , np.float64( -15 ) )

def xor_product( ) : return np.array([40.,0.]), -20., np.array([0.,-40.]), 20.
