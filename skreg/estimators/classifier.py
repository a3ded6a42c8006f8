"""`MLPRegularizedClassifier`: its parameters, targets and predictions.

The module is long because scikit-learn requires every parameter in the docstring, the
signature and the attributes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit, log_softmax, logsumexp
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from ..fitting import (
    CLASSIFIER_RULES,
    ClassTargets,
    balanced_weights,
    check_class_targets,
)
from ..interop import network_from_keras
from ..typing import (
    BatchSize,
    ClassWeight,
    Features,
    Floats,
    KerasCallback,
    KerasModel,
    KerasOptimizer,
    KerasSchedule,
    Path,
    RandomState,
    Splitter,
    Targets,
    Weights,
)
from .attempts import all_or_nothing, of_one_state
from .base import RegularizedNetwork


def _has_hinge(estimator):
    """Whether the fitted network, or else the one to fit, has the hinge loss."""
    if hasattr(estimator, "_state"):
        return estimator._structure().loss.endswith("hinge")
    return estimator.loss == "hinge"


def _gives_probabilities(estimator):
    if _has_hinge(estimator):
        raise AttributeError("loss='hinge' gives margins only: use decision_function.")
    return True


def _gives_margins(estimator):
    if not _has_hinge(estimator):
        raise AttributeError("decision_function needs loss='hinge'. Use predict_proba.")
    return True


class MLPRegularizedClassifier(ClassifierMixin, RegularizedNetwork):
    """Feed-forward network for classification, with every regularizer as a parameter.

    It trains by Keras's rules and is a scikit-learn classifier, for use in grid
    searches, pipelines and cross-validation. Targets may be binary, multiclass or
    multilabel (a 0/1 indicator matrix). One-hot rows count as multilabel: for classes,
    pass ``y.argmax(axis=1)``. Labels may be whole numbers, strings, booleans or dates.
    Fractions and bytes raise an error, as in scikit-learn.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128, 128)
        Units of each hidden layer, each at least 1; an int is one layer. An empty
        sequence gives a linear model.

    activation : str or callable, default="relu"
        Activation of the hidden layers: a name in ``keras.activations`` (not "glu" or
        "threshold"), or a function of a tensor, written with ``keras.ops``.

    negative_slope : float, default=0.2
        Slope for negative inputs, at least 0. Only used when
        ``activation="leaky_relu"``.

    dropout : float, sequence of float or "auto", default="auto"
        Share of each hidden layer's outputs that a training step sets to zero, in
        [0, 1); the others are divided by ``1 - dropout`` [1]_. One rate for all hidden
        layers, or one for each. "auto" is 0.2; if `l2` is "auto" as well, its pilots
        also try 0, with the usual penalty and a tenth of it (`dropout_`). With
        ``activation="selu"``, alpha dropout is used [2]_.

    input_dropout : float, default=0.0
        Dropout of the (standardised) inputs, in [0, 1).

    gaussian_noise : float, default=0.0
        Standard deviation of the normal noise that is added to the (standardised)
        inputs in training, at least 0.

    mixup : float, default=0.0
        Train on mixtures of two rows of the same batch [9]_: inputs
        ``x = a * x_1 + (1 - a) * x_2`` with loss
        ``a * loss(y_1) + (1 - a) * loss(y_2)``. The weight ``a`` has a Beta
        distribution with this value as both parameters, at least 0; 0 mixes nothing.
        The training loss in `history_` is that of the mixtures.

    l1 : float, default=0.0
        Strength of the L1 penalty, at least 0: each layer's kernel adds
        ``l1 * sum(abs(kernel))`` to the loss.

    l2 : float or "auto", default="auto"
        Strength of the L2 penalty, at least 0: each layer's kernel adds ``l2 *
        sum(kernel**2)`` to the loss. With `l1` it is Keras's ``L1L2``. With "auto",
        `fit` first trains pilots, in stacks. Each trains on four fifths of the rows and
        is judged on the others: five folds, of which three are used from 700 rows on.
        Pilots begin with 1 and 3 times the usual penalty, go on with 10 or with 0.3
        times it, and if that is the best so far, with 30 or 0.1 times (some of them
        without dropout: see `dropout`). A penalty is good enough if its loss on
        held-out rows is within one standard error of the best; if the best is below the
        usual, within half of one, or 1.5 on fewer than 700 rows. Of these, `fit` takes
        the one nearest to the usual (`l2_`, `strength_path_`). Pilots use about 5,000
        rows: more rows have fewer folds, and from some 4,200 on one, of which `fit`
        takes the best penalty. All folds count the same, whatever their rows weigh.
        There are no pilots below 40 rows or in `partial_fit`; a continued training
        keeps its penalty. The usual penalty is ``0.03 / sqrt(n)`` with n training rows:
        the rate comes from theory (Shalev-Shwartz & Ben-David, "Understanding machine
        learning", 2014, chapter 13), the constant from experiments on real tables. In
        `partial_fit`, which does not know n, 0.001.

    feature_l1 : float or "auto", default=0.0
        Strength of a penalty that selects features, at least 0: an adaptive group lasso
        (Yuan & Lin, JRSS B 68, 2006; Zou, "The adaptive lasso", JASA 101, 2006) on the
        rows of the first kernel. Each row has the weights of one feature. After each
        step of the optimizer, a proximal step shortens these rows, short rows most, and
        sets some to exactly 0 (`selected_features_`). A row that is 0 stays 0. The
        penalty of a row's norm is `feature_l1` times the root mean square of all rows'
        norms, divided by this row's norm. It rises from 0 in the first half of the
        training; `partial_fit` applies it in full from the start. Like a gradient, the
        step is divided by the optimizer's denominator, so that a value has about the
        same effect with all optimizers (Yun et al., NeurIPS 2021). Useful values lie
        between 0.001 and 0.5: see `FeaturePathDisplay`. With "auto", pilots like those
        of `l2` try 0 and ten such values, after `l2` is chosen. `fit` takes the
        strongest with a loss on held-out rows within one standard error of the best
        (`feature_l1_`, `feature_path_`). Where there are no pilots it is 0. Training
        `model_` further does not apply this penalty.

    feature_groups : list or ndarray of shape (n_features,), default=None
        Group label of each feature, an integer or a string. All features of a group are
        kept or left out together, such as the 0/1 columns of a category: the penalty
        then acts on the root mean square of their norms. None makes each feature its
        own group. Only used with `feature_l1`.

    bias_l1, bias_l2 : float, default=0.0
        The same as `l1` and `l2` for biases, at least 0.

    activity_l1, activity_l2 : float, default=0.0
        The same for the outputs of each hidden activation, at least 0; the mean over
        the rows of a batch is added to the loss.

    max_norm : float, default=None
        Maximum norm of the incoming weights of a unit, above 0; larger norms are scaled
        back after each step [1]_. None sets no limit.

    weight_decay : float, default=None
        Decoupled weight decay [3]_, at least 0: each step subtracts
        ``weight_decay * learning_rate * w`` from every weight w, apart from the
        gradient. None is 0.004 for ``optimizer="adamw"`` and 0 for others.

    batchnorm : bool or "layer", default=False
        True adds batch normalisation between each hidden Dense layer and its activation
        [4]_; "layer" adds layer normalisation there, which normalises each row over the
        units [5]_.

    batchnorm_momentum : float, default=0.9
        Share of the moving mean and variance that each step of batch normalisation
        keeps, in [0, 1). Keras's default is 0.99, which needs hundreds of steps to
        forget the initial values. Only used with ``batchnorm=True``.

    normalize : bool or "robust", default="robust"
        How inputs are scaled, by statistics of the training rows, weighted by
        `sample_weight`. "robust" subtracts the median, divides by the interquartile
        range (half of the range if that is 0) and clips smoothly, ``3 * tanh(x / 3)``,
        so that outliers do no harm [12]_. True standardises to mean 0 and standard
        deviation 1. False leaves inputs as they are. Columns of sparse input are only
        divided by their standard deviation, not centred; "robust" then clips them.

    initializer : str or Keras initializer, default="auto"
        Initializer of the kernels: a name in ``keras.initializers`` (not "constant" or
        "stft") or an instance. "auto" is "he_normal" [6]_ for activations of the relu
        family, "lecun_normal" for selu, and "glorot_uniform" [7]_ for other activations
        and for the output layer.

    optimizer : str or Keras optimizer, default="adam"
        One of "sgd", "adagrad", "rmsprop", "adam", "adamw", "nadam", "adamax",
        "adadelta", "lion", "ftrl"; or an instance of one of these Keras classes, whose
        settings are used where `weight_decay` and the parameters below are None. "ftrl"
        suits only networks without hidden layers, because it overwrites the initial
        weights, as in Keras; others hardly learn, which is no error.

    learning_rate : float, default=None
        Learning rate, above 0. None is the optimizer's default: 1 for "adadelta", 0.001
        for "rmsprop" and "ftrl", 0.0001 for "lion", 0.01 for others; for a Keras
        optimizer, its own rate.

    momentum : float, default=None
        Momentum, in [0, 1). None is 0.9 for "sgd" and 0 for "rmsprop". Only used by
        these two.

    nesterov : bool, default=False
        Nesterov's form of momentum. Only used when ``optimizer="sgd"``.

    rho : float, default=None
        Decay of the average of squared gradients, in [0, 1). None is 0.9 for "rmsprop"
        and 0.95 for "adadelta". Only used by these two.

    beta_1, beta_2 : float, default=None
        Decay of the averages of gradients and of their squares, in [0, 1). None is 0.9
        and 0.999 (for "lion" 0.99). Only used by "adam", "adamw", "nadam", "adamax"
        and "lion".

    epsilon : float, default=None
        Small number that is added to denominators, above 0. None is 1e-7. Not used by
        "sgd", "lion" and "ftrl".

    clipnorm : float, default=None
        Maximum norm of the gradient of each weight array, above 0. None sets no limit.

    schedule : str or Keras schedule, default="auto"
        Learning rate over all steps of a fit. "constant" keeps it. "cosine" decreases
        it to zero; "cosine_restarts" does so in three cosines of 1, 2 and 4 sevenths of
        the steps [8]_. "step" takes a tenth of it after half of the steps and a
        hundredth after three quarters. "exponential" decreases it to a hundredth.
        "auto" is "cosine" after a warm-up of `warmup` or, if that is 0, a tenth of the
        steps; in `partial_fit`, which does not know the number of steps, it is
        "constant". Or a ``keras.optimizers.schedules`` instance, to which
        `learning_rate` does not apply. A schedule in a Keras optimizer is used if this
        is "auto" or "constant" and `learning_rate` is None.

    warmup : float, default=0.0
        Share of the steps, in [0, 1), in which the learning rate first rises linearly
        from 0.

    batch_size : int, "auto" or "full", default="auto"
        Rows per training step, at least 1. "auto" is 1/40 of the rows, rounded to the
        nearest power of two from 32 to 256; "full" is all rows. A number above that of
        the rows is reduced to it, with a warning.

    epochs : int, default=100
        Passes over the training rows, at least 1.

    early_stopping : bool, default=False
        Whether to end training when `monitor` has not improved for `patience` epochs.
        `monitor` is evaluated on `X_val` and `y_val` if `fit` gets them, otherwise on a
        part of the training rows that is set aside, stratified by class (not with
        several labels). A class that is too rare to split stays in training. Schedules
        are planned for all `epochs`, even if training stops earlier: use
        ``schedule="constant"`` with early stopping.

    validation_fraction : float or splitter, default=0.1
        Rows to set aside for validation: their share, in (0, 1); or a scikit-learn
        splitter, such as ``TimeSeriesSplit()`` or ``GroupShuffleSplit()``, whose last
        split is used. It gets the rows as an array. Only used when
        ``early_stopping=True``; but a splitter also makes the folds of the pilots for
        `l2`.

    patience : int, default=10
        Number of epochs without improvement after which training stops, at least 0; 0
        is the same as 1, as in Keras. Only used when ``early_stopping=True``.

    min_delta : float, default=0.0
        Smallest change that counts as an improvement, at least 0. Only used when
        ``early_stopping=True``.

    monitor : str, default="val_loss"
        Value that determines the best epoch: "val_loss"; "loss", of the training rows;
        or the name of a scikit-learn scorer, such as "accuracy" or "roc_auc", on the
        validation rows, with their weights. Only used when there are validation rows or
        ``early_stopping=True``. With "loss" no rows are set aside.

    restore_best_weights : bool, default=True
        Whether training ends with the weights of the best epoch instead of the last.
        Only used when ``early_stopping=True``.

    loss : {"log_loss", "focal", "hinge"}, default="log_loss"
        "log_loss" is cross-entropy. "focal" is focal loss [10]_, which gives more
        weight to rows that are still wrong. "hinge" gives margins (`decision_function`)
        and no probabilities.

    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over all classes, in [0, 1) [11]_.
        Not used when ``loss="hinge"``.

    focal_gamma : float, default=2.0
        Exponent of the factor ``1 - p`` in the focal loss, where p is the probability
        of the row's class; at least 0. Only used when ``loss="focal"``.

    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, ``{label: weight}``, each at least 0; sample weights are
        multiplied by them. "balanced" gives all classes the same total weight, sample
        weights included. A label that does not occur in the rows, as in a fold, is
        ignored if all classes of the rows have a weight. For multilabel targets, a list
        of such dictionaries, one for each column; "balanced" multiplies the weights of
        the columns.

    n_members : int, default=1
        Number of networks in an ensemble, at least 1. They train side by side,
        and their predictions are averaged ("Deep ensembles", Lakshminarayanan et al.,
        NeurIPS 2017). They differ in initial weights, order of batches and noise. With
        ``early_stopping=True`` each sets aside its own validation rows, so that each
        row is trained on by most members. `history_` and similar attributes are the
        first member's.

    callbacks : list of keras.callbacks.Callback, default=None
        Keras callbacks, called at the start and the end of training and of each epoch,
        with a Keras model that has the current weights. Each fit uses copies
        (`callbacks_`). A callback may stop training or set the model's
        ``optimizer.learning_rate``, which then replaces the schedule. If a callback has
        a batch hook, each step is a separate call of about 5 ms: a small network then
        takes 70 times as long to train.

    checkpoint : path-like, default=None
        File to which training writes its state after epochs; missing folders are made.
        If a training was interrupted, a `fit` with the same data and parameters resumes
        it, and ends with the same weights as without interruption; but callbacks lose
        their state, and pilots for `l2` train again. If that training was finished,
        such a `fit` takes its result. `skreg.load` reads the file, too. Placeholders in
        the path, as in ``"{epoch:02d}-{val_loss:.5f}.skreg"``, give one file per epoch.
        Each member of an ensemble has its own file (``-member0`` ...). Not used by
        `partial_fit`. The fits of a search cannot share a path: see `stacked`.

    checkpoint_every : int or "best", default=1
        Number of epochs from one checkpoint to the next, at least 1; or "best" to write
        one only when the monitored value improves. Only used with `checkpoint`.

    verbose : int or bool, default=0
        Whether to print a line for each epoch, of each member of an ensemble; 0 prints
        nothing.

    warm_start : bool, default=False
        Whether `fit` continues from the weights and the optimizer's state of the
        previous fit. `hidden_layer_sizes`, `batchnorm`, `n_members` and the kind of the
        loss must then be as before. Inputs are scaled as before, whatever
        `normalize` is now.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, noise and the rows that are
        held out. An int, in [0, 2**32 - 1], gives the same network on every run.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes, sorted; for multilabel targets, the column indices.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` was a data frame with strings as column names.

    l2_ : float
        The l2 penalty of the training.

    dropout_ : float or tuple of float
        The dropout of the training: one rate, or one for each hidden layer if they
        differ; ``()`` without hidden layers.

    feature_l1_ : float
        The `feature_l1` of the training.

    feature_importances_ : ndarray of shape (n_features,)
        Norm of the weights of each (scaled) feature in the first layer, as a share of
        the sum of all norms; averaged over the members.

    selected_features_ : ndarray of shape (n_features,)
        Mask of the features that have a weight other than 0: see `feature_l1`.

    strength_path_ : dict
        Results of the pilots. "l2" and, if it was chosen as well, "dropout" are
        ndarrays of shape (n_strengths,). "val_loss", an ndarray of shape (n_strengths,
        n_folds), has the losses on the held-out rows of each fold, without penalties.
        Only present if there were pilots: see `l2` and `StrengthDisplay`.

    feature_path_ : dict
        The same for `feature_l1`: "feature_l1", an ndarray of shape (n_strengths,), and
        "val_loss". Only present if pilots chose it.

    callbacks_ : list of keras.callbacks.Callback
        Copies of `callbacks` that the last fit used, with what they recorded. Only
        present if `callbacks` were given; not in pickles or files. For an ensemble,
        each of `members_` has its own.

    history_ : dict of str to list of float
        One value per epoch, NaN if none was recorded, by Keras's names: "loss"
        (penalties and weights included) and, with validation rows, "val_loss" and the
        monitored score, such as "val_roc_auc".

    loss_curve_ : list of float
        ``history_["loss"]``.

    n_iter_ : int
        Number of epochs trained.

    best_epoch_ : int
        Epoch with the best monitored value in the last call of `fit`, counted from 1 as
        in `history_`; the last epoch if nothing was monitored.

    n_parameters_ : int
        Number of trainable weights.

    members_ : list
        The networks of the ensemble, each a fitted estimator of its own.

    model_ : keras.Sequential or keras.Model
        The trained network, or the mean of an ensemble's, as a plain Keras model that
        takes raw features.

    See Also
    --------
    MLPRegularizedRegressor : The same for regression.
    sklearn.neural_network.MLPClassifier : scikit-learn's network, with l2 alone.

    References
    ----------
    .. [1] N. Srivastava et al. "Dropout: a simple way to prevent neural networks from
       overfitting." JMLR 15, 2014.
    .. [2] G. Klambauer et al. "Self-normalizing neural networks." NeurIPS 2017.
    .. [3] I. Loshchilov, F. Hutter. "Decoupled weight decay regularization."
       ICLR 2019.
    .. [4] S. Ioffe, C. Szegedy. "Batch normalization: accelerating deep network
       training by reducing internal covariate shift." ICML 2015.
    .. [5] J. L. Ba, J. R. Kiros, G. E. Hinton. "Layer normalization." 2016.
    .. [6] K. He et al. "Delving deep into rectifiers." ICCV 2015.
    .. [7] X. Glorot, Y. Bengio. "Understanding the difficulty of training deep
       feedforward neural networks." AISTATS 2010.
    .. [8] I. Loshchilov, F. Hutter. "SGDR: stochastic gradient descent with warm
       restarts." ICLR 2017.
    .. [9] H. Zhang et al. "mixup: Beyond empirical risk minimization." ICLR 2018.
    .. [10] T.-Y. Lin et al. "Focal loss for dense object detection." ICCV 2017.
    .. [11] C. Szegedy et al. "Rethinking the Inception architecture for computer
       vision." CVPR 2016.
    .. [12] D. Holzmueller et al. "Better by default: strong pre-tuned MLPs and boosted
       trees on tabular data." NeurIPS 2024, which clips by another function.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from skreg import MLPRegularizedClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> network = MLPRegularizedClassifier(dropout=0.5, epochs=30, random_state=0)
    >>> network.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    _rules = CLASSIFIER_RULES

    def __init__(  # noqa: PLR0915 (a line for each parameter)
        self,
        hidden_layer_sizes: int | Sequence[int] = (128, 128),
        activation: str | Callable = "relu",
        *,
        negative_slope: float = 0.2,
        dropout: float | Sequence[float] | Literal["auto"] = "auto",
        input_dropout: float = 0.0,
        gaussian_noise: float = 0.0,
        mixup: float = 0.0,
        l1: float = 0.0,
        l2: float | Literal["auto"] = "auto",
        feature_l1: float | Literal["auto"] = 0.0,
        feature_groups: Sequence | None = None,
        bias_l1: float = 0.0,
        bias_l2: float = 0.0,
        activity_l1: float = 0.0,
        activity_l2: float = 0.0,
        max_norm: float | None = None,
        weight_decay: float | None = None,
        batchnorm: bool | Literal["layer"] = False,
        batchnorm_momentum: float = 0.9,
        normalize: bool | Literal["robust"] = "robust",
        initializer: str | Callable = "auto",
        optimizer: str | KerasOptimizer = "adam",
        learning_rate: float | None = None,
        momentum: float | None = None,
        nesterov: bool = False,
        rho: float | None = None,
        beta_1: float | None = None,
        beta_2: float | None = None,
        epsilon: float | None = None,
        clipnorm: float | None = None,
        schedule: str | KerasSchedule = "auto",
        warmup: float = 0.0,
        batch_size: BatchSize = "auto",
        epochs: int = 100,
        early_stopping: bool = False,
        validation_fraction: float | Splitter = 0.1,
        patience: int = 10,
        min_delta: float = 0.0,
        monitor: str = "val_loss",
        restore_best_weights: bool = True,
        loss: Literal["log_loss", "focal", "hinge"] = "log_loss",
        label_smoothing: float = 0.0,
        focal_gamma: float = 2.0,
        class_weight: ClassWeight = None,
        n_members: int = 1,
        callbacks: Sequence[KerasCallback] | None = None,
        checkpoint: Path | None = None,
        checkpoint_every: int | Literal["best"] = 1,
        verbose: int = 0,
        warm_start: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.negative_slope = negative_slope
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.gaussian_noise = gaussian_noise
        self.mixup = mixup
        self.l1 = l1
        self.l2 = l2
        self.feature_l1 = feature_l1
        self.feature_groups = feature_groups
        self.bias_l1 = bias_l1
        self.bias_l2 = bias_l2
        self.activity_l1 = activity_l1
        self.activity_l2 = activity_l2
        self.max_norm = max_norm
        self.weight_decay = weight_decay
        self.batchnorm = batchnorm
        self.batchnorm_momentum = batchnorm_momentum
        self.normalize = normalize
        self.initializer = initializer
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.rho = rho
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.clipnorm = clipnorm
        self.schedule = schedule
        self.warmup = warmup
        self.batch_size = batch_size
        self.epochs = epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.min_delta = min_delta
        self.monitor = monitor
        self.restore_best_weights = restore_best_weights
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.class_weight = class_weight
        self.n_members = n_members
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.verbose = verbose
        self.warm_start = warm_start
        self.random_state = random_state

    @classmethod
    def from_keras(
        cls, model: KerasModel, classes: ArrayLike | None = None, **parameters: Any
    ) -> Self:
        """Convert a trained Keras model to a fitted estimator that predicts the same.

        `partial_fit`, and `fit` with ``warm_start=True``, continue from the model's
        weights and, if it is compiled, from its optimizer's state. `fit` without warm
        start begins anew with the same settings. The model itself is not changed.

        Parameters
        ----------
        model : keras.Model
            Sequential or functional, with one input and one output. The layers, in
            this order, those in brackets optional: [Flatten], [Normalization or
            Rescaling], [Dropout], [GaussianNoise], hidden layers of Dense,
            [BatchNormalization or LayerNormalization], activation, [Dropout], and at
            the end Dense with its activation. Also any `model_`.
        classes : array-like of shape (n_classes,), default=None
            Labels of the outputs, in ascending order. None is 0, 1 and so on. Several
            sigmoid outputs are multilabel and need no `classes`.
        **parameters
            Constructor parameters that the model does not determine, such as `epochs`,
            `batch_size`, `warm_start` and `random_state`; or `loss`, to continue with
            another loss than the model's.

        Returns
        -------
        MLPRegularizedClassifier

        Raises
        ------
        ValueError
            If no parameter can express a layer or a setting. The message names the
            layer.

        Examples
        --------
        >>> import keras
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
        >>> model = keras.Sequential([keras.Input((4,)), *layers])
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> _ = model.fit(X, y, epochs=2, verbose=0)
        >>> network = MLPRegularizedClassifier.from_keras(model, batch_size=32)
        >>> network.hidden_layer_sizes, network.optimizer, network.n_iter_
        ((8,), 'adam', 2)
        >>> network.partial_fit(X, y).n_iter_
        3
        """
        return network_from_keras(cls, model, classes, **parameters)

    @all_or_nothing
    def partial_fit(
        self,
        X: Features,
        y: Targets,
        classes: ArrayLike | None = None,
        sample_weight: Weights = None,
    ) -> None:
        """Train for one epoch on a part of the data, from the current state.

        The first call on an unfitted estimator sets the classes and the statistics that
        standardise inputs. Later calls, and calls after `fit`, continue with the
        weights, the optimizer's state and the learning-rate schedule. There is no early
        stopping. The schedule lasts for `epochs` such calls; after its end, and after a
        `fit` on as many rows or more, the rate stays at its last value.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Targets.
        classes : array-like of shape (n_classes,), default=None
            All classes that occur in any call. Required at the first call, optional
            later. Not used for multilabel targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss. Unlike in `fit` they are not rescaled, so
            that they mean the same in every part.

        Returns
        -------
        self : MLPRegularizedClassifier

        Raises
        ------
        ValueError
            For the same reasons as in `fit`; if `classes` is missing at the first call,
            or differs at a later one; or with ``class_weight="balanced"``.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), random_state=0)
        >>> for part in np.array_split(np.random.default_rng(0).permutation(150), 3):
        ...     network = network.partial_fit(X[part], y[part], classes=[0, 1, 2])
        >>> network.predict(X).shape
        (150,)
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "The 'class_weight' parameter must be a dictionary or None in "
                "partial_fit, which does not see all rows. Got 'balanced' instead."
            )
        if isinstance(classes, (set, frozenset)):
            classes = sorted(classes)
        if not hasattr(self, "_state"):
            self._check_classes_given(classes, y)
        elif classes is not None and not self._multilabel:
            self._check_classes_again(classes)
        self._fit_part(X, y, sample_weight, classes)

    def _check_classes_given(self, classes, y):
        if type_of_target(y) == "multilabel-indicator":
            return
        if classes is None:
            raise ValueError(
                "classes must be passed to the first call of partial_fit, because a "
                "part of the data may lack some of them. Got None: pass the labels of "
                "all parts."
            )
        if len(np.unique(classes)) < 2:
            raise ValueError(f"classes must have at least 2 labels. Got {classes!r}.")

    def _check_classes_again(self, classes):
        found = np.unique(classes)
        if not np.array_equal(found, self.classes_):
            raise ValueError(
                "classes must be those of the first call, "
                f"{self.classes_.tolist()}. Got {found.tolist()}: leave classes "
                "out, or begin with a new estimator."
            )

    def _check_targets(self, y):
        return check_class_targets(y)

    def _row_classes(self, y):
        return y if y.ndim == 1 else None

    def _class_weights(self, sample):
        y = sample.y
        if self.class_weight is None:
            return 1.0
        if isinstance(self.class_weight, str):
            return balanced_weights(y, sample.weight)
        if isinstance(self.class_weight, dict) and not self._multilabel:
            weight = self._coder().weights(self.class_weight)[self._coder().codes(y)]
        elif self._multilabel:
            weight = self._coder().label_weights(self.class_weight, y)
        else:
            raise ValueError(
                "The 'class_weight' parameter must be 'balanced', None or, for one "
                "label, a dictionary; a list of dictionaries is for several. Got "
                f"{self.class_weight!r} instead."
            )
        if not (np.isfinite(weight).all() and weight.min() >= 0):
            raise ValueError(
                "The 'class_weight' parameter must give finite weights of at least 0. "
                f"Got {self.class_weight!r} instead."
            )
        return weight

    def _learn_targets(self, y, weight, classes=None):
        coder = ClassTargets.of(y, classes)
        self.classes_ = coder.classes
        self._multilabel = coder.multilabel

    def _coder(self):
        return ClassTargets(self.classes_, self._multilabel)

    @of_one_state
    def predict(self, X: Features) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels of the classes. For multilabel targets an indicator matrix: 1 where
            the label's probability is above 0.5 or, with ``loss="hinge"``, its margin
            is above 0.
        """
        outputs = self._outputs(X).mean(axis=0)
        threshold = 0.0 if _has_hinge(self) else 0.5
        if self._multilabel:
            return (outputs > threshold).astype(int)
        if outputs.shape[1] == 1:
            return self.classes_[(outputs[:, 0] > threshold).astype(int)]
        return self.classes_[outputs.argmax(axis=1)]

    @available_if(_gives_probabilities)
    @of_one_state
    def predict_proba(self, X: Features, members: bool = False) -> Floats:
        """Probabilities of the classes. Not available with ``loss="hinge"``.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.
        members : bool, default=False
            Whether to return each member's probabilities instead of their mean.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_members, n_samples, n_classes)
            Columns in the order of `classes_`. For multilabel targets, each column is
            the probability of one label.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skreg import MLPRegularizedClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> network = MLPRegularizedClassifier((16,), n_members=3, epochs=5).fit(X, y)
        >>> network.predict_proba(X).shape
        (150, 3)
        >>> network.predict_proba(X, members=True).shape
        (3, 150, 3)
        """
        probabilities = np.exp(self._log_probabilities(X))
        return probabilities if members else probabilities.mean(axis=0)

    @available_if(_gives_probabilities)
    @of_one_state
    def predict_log_proba(self, X: Features) -> Floats:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        found = self._log_probabilities(X)
        return logsumexp(found, axis=0) - np.log(len(found))

    def _log_probabilities(self, X):
        """Each member's log-probabilities, shape (n_members, n_samples, n_classes).

        One logit gives those of both classes. They are computed from logits in double
        precision, so that none is minus infinity because a probability rounds to 0.
        """
        logits = self._raw_outputs(X)
        if self._multilabel:
            return log_expit(logits)
        if logits.shape[-1] == 1:
            logits = np.concatenate([-logits, logits], axis=-1)
            return log_expit(logits)
        return log_softmax(logits, axis=-1)

    @available_if(_gives_margins)
    @of_one_state
    def decision_function(self, X: Features) -> Floats:
        """Margins of the classes. Only available with ``loss="hinge"``.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Columns in the order of `classes_`. For two classes only the margin of
            ``classes_[1]``, which is predicted if it is above 0.
        """
        outputs = self._outputs(X).mean(axis=0)
        return outputs if self._multilabel or outputs.shape[1] > 1 else outputs[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
