"""The report of a classifier by scikit-learn (Debian's python3-sklearn) on generated logits.

Writes report.json. Logits [images, classes] are `scale * u`, u from the generator under '<name>/logits', rounded to float32; labels are the
largest of the logits plus `scale * noise * u`, u under '<name>/noise', taken modulo `labels` where fewer classes have images. What scikit-learn has no
function for (the expected calibration error) is the sum over the bins of its calibration_curve.
"""
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

from common import uniform, write_json

warnings.filterwarnings('ignore')  # classes without images or answers are meant to be here
BINS = 15


def case(name, images, classes, scale, noise, labelled):
    shape = (images, classes)
    logits = (scale * uniform(f'{name}/logits', images * classes)).astype(np.float32).astype(np.float64).reshape(shape)
    y = (logits + scale * noise * uniform(f'{name}/noise', images * classes).reshape(shape)).argmax(1) % labelled
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    answer, confidence, every = p.argmax(1), p.max(1), np.arange(classes)
    scores = lambda **o: metrics.precision_recall_fscore_support(y, answer, labels=every, zero_division=0, **o)
    right = (answer == y).astype(float)
    accuracy, mean = calibration_curve(right, confidence, n_bins=BINS)
    counts = np.histogram(confidence, np.linspace(0, 1, BINS + 1))[0]
    counts = counts[counts > 0]
    precision, recall, f1, support = scores()
    return {
        'name': name, 'images': images, 'classes': classes, 'scale': scale, 'labels': y.tolist(),
        'loss': metrics.log_loss(y, p, labels=every),
        'accuracy': metrics.accuracy_score(y, answer),
        'top': {str(k): metrics.top_k_accuracy_score(y, logits, k=k, labels=every) for k in (2, 3) if k < classes},
        'balancedAccuracy': metrics.balanced_accuracy_score(y, answer),
        'precision': precision.tolist(), 'recall': recall.tolist(), 'f1': f1.tolist(), 'support': support.tolist(),
        'macro': list(scores(average='macro')[:3]), 'weighted': list(scores(average='weighted')[:3]),
        'confusion': metrics.confusion_matrix(y, answer, labels=every).ravel().tolist(),
        'calibration': [list(row) for row in zip(counts.tolist(), mean.tolist(), accuracy.tolist())],
        'calibrationError': float(np.sum(counts / images * np.abs(mean - accuracy))),
    }


write_json('report.json', {'cases': [
    case('usual', 300, 5, 4, 0.5, 5),
    case('two classes', 40, 2, 2, 1, 2),
    case('classes without images or answers', 12, 9, 3, 1, 4),
    case('sure of itself', 60, 4, 12, 1.5, 4),
]}, digits=15)
