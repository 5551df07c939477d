"""The mixture's truth is Bayes' rule, and a temperature is found where it lies."""

import numpy as np
from scipy.stats import multivariate_normal

from actlab import calibration, functions


def test_the_posterior_is_bayes_rule():
    points, labels, truth = calibration.mixture(2000, 0)
    densities = [
        multivariate_normal(mean, spread @ spread.T).pdf(points)
        for mean, spread in zip(calibration.MEANS, calibration.SPREADS, strict=True)
    ]
    expected = np.array(densities).T
    np.testing.assert_allclose(truth, expected / expected.sum(1, keepdims=True), rtol=1e-9)
    assert abs((truth.argmax(1) == labels).mean() - truth.max(1).mean()) < 0.03


def test_the_divergence_of_the_truth_from_itself_is_zero():
    truth = calibration.mixture(50, 1)[2]
    assert abs(calibration.divergence(truth, np.log(truth))) < 1e-12
    assert calibration.divergence(truth, np.zeros_like(truth)) > 0.1


def test_logits_that_are_too_large_by_a_factor_get_it_back_as_temperature():
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 2, (3, 4000, 5))
    chance = functions.softmax(logits, axis=-1).cumsum(-1)
    labels = (rng.uniform(size=(3, 4000, 1)) > chance[..., :-1]).sum(-1)
    factor = np.array([0.2, 1.0, 7.0])
    found = calibration.temperature(factor[:, None, None] * logits, labels)
    np.testing.assert_allclose(found, factor, rtol=0.08)
    assert calibration.calibration_error(logits, labels) < 0.03
    assert calibration.calibration_error(7 * logits, labels) > 0.15
