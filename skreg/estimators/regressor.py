"""`MLPRegularizedRegressor`: its parameters, targets and predictions.

The module is long because scikit-learn requires every parameter in the docstring, the
signature and the attributes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import assert_all_finite

from ..fitting import REGRESSOR_RULES, NumberTargets
from ..interop import network_from_keras
from ..typing import (
    BatchSize,
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


class MLPRegularizedRegressor(RegressorMixin, RegularizedNetwork):
    """Feed-forward network for regression, with every regularizer as a parameter.

    It trains by Keras's rules and is a scikit-learn regressor, for use in grid
    searches, pipelines and cross-validation. It takes one target or several.

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
        so that outliers do no harm [10]_. True standardises to mean 0 and standard
        deviation 1. False leaves inputs as they are. Columns of sparse input are only
        divided by their standard deviation, not centred; "robust" then clips them.
        Unless this is False, targets are standardised too (divided by their mean for
        ``loss="poisson"``); predictions are in the targets' own units.

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
        part of the training rows that is set aside. Schedules are planned for all
        `epochs`, even if training stops earlier: use ``schedule="constant"`` with early
        stopping.

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
        or the name of a scikit-learn scorer, such as "r2", on the validation rows, with
        their weights. Only used when there are validation rows or
        ``early_stopping=True``. With "loss" no rows are set aside.

    restore_best_weights : bool, default=True
        Whether training ends with the weights of the best epoch instead of the last.
        Only used when ``early_stopping=True``.

    loss : str, default="squared_error"
        "squared_error" predicts means; "absolute_error" predicts medians; "huber" is
        squared for small errors and linear beyond `huber_delta`; "quantile" predicts
        the quantile `quantile`; "poisson" is for counts and rates of at least 0, with
        predictions ``exp(output)``.

    huber_delta : float, default=1.0
        Error beyond which the Huber loss is linear, above 0, in units of the
        (standardised) target. Only used when ``loss="huber"``.

    quantile : float, default=0.5
        The predicted quantile, in (0, 1). Only used when ``loss="quantile"``.

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
        loss must then be as before. Inputs and targets are scaled as before, whatever
        `normalize` is now.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, noise and the rows that are
        held out. An int, in [0, 2**32 - 1], gives the same network on every run.

    Attributes
    ----------
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
        monitored score, such as "val_r2". Losses are in units of the standardised
        target: predicting the mean has a squared error of 1.

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
    MLPRegularizedClassifier : The same for classification.
    sklearn.neural_network.MLPRegressor : scikit-learn's network, with l2 alone.

    Notes
    -----
    With several targets, each counts the same in the loss unless ``normalize=False``.
    In the loss of `model_`, targets with a larger scale count more: Keras computes it
    in the targets' own units.

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
    .. [10] D. Holzmueller et al. "Better by default: strong pre-tuned MLPs and boosted
       trees on tabular data." NeurIPS 2024, which clips by another function.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from skreg import MLPRegularizedRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegularizedRegressor(l2=1e-2, epochs=30, random_state=0)
    >>> float(cross_val_score(network, X, y).mean()) > 0.4
    True
    """

    _rules = REGRESSOR_RULES
    _target_checks = {"y_numeric": True}

    def __init__(
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
        loss: Literal[
            "squared_error", "absolute_error", "huber", "quantile", "poisson"
        ] = "squared_error",
        huber_delta: float = 1.0,
        quantile: float = 0.5,
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
        self.huber_delta = huber_delta
        self.quantile = quantile
        self.n_members = n_members
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.verbose = verbose
        self.warm_start = warm_start
        self.random_state = random_state

    @classmethod
    def from_keras(cls, model: KerasModel, **parameters: Any) -> Self:
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
            the end Dense with its activation, [Rescaling]. Also any `model_`.
        **parameters
            Constructor parameters that the model does not determine, such as `epochs`,
            `batch_size`, `warm_start` and `random_state`; or `loss`, to continue with
            another loss than the model's.

        Returns
        -------
        MLPRegularizedRegressor

        Raises
        ------
        ValueError
            If no parameter can express a layer or a setting. The message names the
            layer.

        Examples
        --------
        >>> import numpy as np
        >>> from skreg import MLPRegularizedRegressor
        >>> X, y = np.random.default_rng(0).random((40, 3)), np.arange(40.0)
        >>> network = MLPRegularizedRegressor((8,), epochs=3).fit(X, y)
        >>> again = MLPRegularizedRegressor.from_keras(network.model_)
        >>> bool(np.allclose(again.predict(X), network.predict(X), rtol=1e-4))
        True
        """
        return network_from_keras(cls, model, **parameters)

    @all_or_nothing
    def partial_fit(
        self, X: Features, y: Targets, sample_weight: Weights = None
    ) -> None:
        """Train for one epoch on a part of the data, from the current state.

        The first call on an unfitted estimator sets the statistics that standardise
        inputs and targets. Later calls, and calls after `fit`, continue with the
        weights, the optimizer's state and the learning-rate schedule. There is no early
        stopping. The schedule lasts for `epochs` such calls; after its end, and after a
        `fit` on as many rows or more, the rate stays at its last value.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss. Unlike in `fit` they are not rescaled, so
            that they mean the same in every part.

        Returns
        -------
        self : MLPRegularizedRegressor

        Raises
        ------
        ValueError
            For the same reasons as in `fit`.
        """
        self._fit_part(X, y, sample_weight)

    def _check_targets(self, y):
        if y.dtype.kind in "mM":
            raise ValueError(
                f"y must hold numbers. Got {y.dtype}. Convert it, for example to days "
                "since the first row."
            )
        y = y.astype(float, copy=False)
        assert_all_finite(y, input_name="y")  # None has become nan
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(
                "y must not be negative with loss='poisson'. Got a minimum of "
                f"{y.min()}. Drop such rows or take another loss."
            )
        return y

    def _learn_targets(self, y, weight, classes=None):
        self._targets = vars(NumberTargets.of(y, weight, self.normalize, self.loss))

    def _coder(self):
        return NumberTargets(**self._targets)

    def _target_scale(self):
        return self._targets["scale"], self._targets["offset"]

    @of_one_state
    def predict(self, X: Features) -> Floats:
        """Predict the targets of each row, in the units of `y`.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X).mean(axis=0)
        return self._coder().decode(outputs)

    @of_one_state
    def predict_std(self, X: Features) -> Floats:
        """Standard deviation of the members' predictions, for an ensemble.

        It shows the uncertainty due to randomness in training, not the targets' noise.

        Parameters
        ----------
        X : {array-like, dataframe, sparse matrix} of shape (n_samples, n_features)
            Features, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of `y`.

        Raises
        ------
        ValueError
            If ``n_members=1``.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from skreg import MLPRegularizedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> network = MLPRegularizedRegressor((16,), n_members=5, epochs=10).fit(X, y)
        >>> network.predict_std(X).shape
        (442,)
        """
        outputs = self._outputs(X)
        if len(outputs) == 1:
            raise ValueError("predict_std needs n_members of at least 2. Got 1.")
        predictions = [self._coder().decode(one) for one in outputs]
        return np.std(predictions, axis=0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
