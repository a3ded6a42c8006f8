"""The default remedies of `compare_remedies`."""

from ..fitting import hidden_layers
from ..inspection import would_change


def usual_remedies(network):
    """Return the parameters of each remedy that would change this network, by name."""
    sizes = hidden_layers(network.hidden_layer_sizes)
    own = network.get_params()
    found = {
        "half the units": {"hidden_layer_sizes": tuple(-(-s // 2) for s in sizes)},
        "twice the units": {"hidden_layer_sizes": tuple(2 * s for s in sizes)},
        "one layer more": {"hidden_layer_sizes": sizes + sizes[-1:]},
        "no dropout": {"dropout": 0.0},
        **_each("dropout", [0.1, 0.3, 0.5]),
        "no l2": {"l2": 0.0},
        **_each("l2", [1e-4, 1e-3, 1e-2]),
        "weight decay 0.1": {"weight_decay": 0.1},
        "weight decay 1": {"weight_decay": 1.0},
        "standard scaling": {"normalize": True},
        "robust scaling": {"normalize": "robust"},
        **_each("initializer", ["glorot_uniform", "he_normal", "lecun_normal"]),
        "cosine with warm-up": {"schedule": "auto"},
        "step schedule": {"schedule": "step", "warmup": 0.1},
        "exponential schedule": {"schedule": "exponential", "warmup": 0.1},
        "constant rate": {"schedule": "constant"},
        "early stopping": {"early_stopping": True},
        "half the epochs": {"epochs": -(-network.epochs // 2)},
        "twice the epochs": {"epochs": 2 * network.epochs},
        "ensemble of 4": {"n_members": 4},
        "label smoothing 0.1": {"label_smoothing": 0.1},
        **_each("l1", [1e-4, 1e-3]),
        "l1 with l2": {"l1": 1e-4, "l2": 1e-3},
        "feature l1 0.03": {"feature_l1": 0.03},
        "max-norm 2": {"max_norm": 2.0},
        "activity l2": {"activity_l2": 1e-3},
        "input dropout 0.1": {"input_dropout": 0.1},
        "gaussian noise 0.1": {"gaussian_noise": 0.1},
        "gaussian noise 0.3": {"gaussian_noise": 0.3},
        **_each("mixup", [0.2, 1.0]),
        "batch normalisation": {"batchnorm": True},
        "layer normalisation": {"batchnorm": "layer"},
        **_each("optimizer", ["sgd", "adagrad", "rmsprop", "adamw", "nadam"]),
        **_each("optimizer", ["adam", "adamax", "adadelta", "lion", "ftrl"]),
    }
    if "label_smoothing" not in own:
        del found["label smoothing 0.1"]
    own_optimizer = own["optimizer"]
    is_default = own["learning_rate"] is None and isinstance(own_optimizer, str)
    return {
        name: parameters
        for name, parameters in found.items()
        if would_change(own, parameters)
        # A learning rate set for one optimizer would say little about another.
        and (is_default or "optimizer" not in parameters)
    }


def _each(name, values):
    return {f"{name} {value}": {name: value} for value in values}
