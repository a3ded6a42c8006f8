"""Where files are written and read: devices, links, folders, and what `open` says."""

import errno
import os
import stat
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import make_classification

import skreg
from skreg import MLPRegularizedClassifier, stacked, stacking
from skreg.persistence import places

X, Y = make_classification(200, 6, random_state=0)
FAST = {"hidden_layer_sizes": (8,), "l2": 1e-3, "epochs": 2, "random_state": 0}
network = partial(MLPRegularizedClassifier, **FAST)
DEVICES = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")


@pytest.fixture(scope="module")
def fitted():
    return network().fit(X, Y)


def everything_in(folder):
    """All paths below a folder, and the bytes of its files."""
    return {p: p.is_file() and p.read_bytes() for p in folder.rglob("*")}


# --- writing


@DEVICES
def test_devices_are_written_to(fitted):
    skreg.save(fitted, "/dev/null")
    fitted.save_weights("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        skreg.save(fitted, "/dev/full")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="Linux only")
def test_a_pipe_without_a_name_is_written_to():
    """As /dev/stdout is."""
    end, start = os.pipe()
    skreg.save(MLPRegularizedClassifier(), f"/proc/self/fd/{start}")
    assert os.read(end, 2) == b"PK"
    os.close(end)
    os.close(start)


def test_errors_name_the_path_of_the_user(fitted, tmp_path):
    (tmp_path / "file").touch()
    for path, kind in (
        (tmp_path / "none" / "net", FileNotFoundError),
        (tmp_path / "file" / "net", NotADirectoryError),
        (tmp_path, IsADirectoryError),
    ):
        for save in (partial(skreg.save, fitted), fitted.save_weights):
            with pytest.raises(kind) as caught:
                save(path)
            assert caught.value.filename == str(path)
            assert str(caught.value).endswith(f": {str(path)!r}")
    assert os.listdir(tmp_path) == ["file"]


def test_a_loop_of_links_is_an_error(fitted, tmp_path):
    for name, target in (("loop", "other"), ("other", "loop")):
        (tmp_path / name).symlink_to(tmp_path / target)
    with pytest.raises(OSError, match="loop") as caught:
        skreg.save(fitted, tmp_path / "loop")
    assert caught.value.errno == errno.ELOOP
    assert (tmp_path / "loop").is_symlink()


def test_paths_may_be_bytes(fitted, tmp_path):
    path = os.fsencode(tmp_path / "net")
    skreg.save(fitted, path)
    np.testing.assert_array_equal(skreg.load(path).predict(X), fitted.predict(X))
    fitted.save_weights(path)
    fitted.load_weights(path)
    with pytest.raises(ValueError, match="net is not a valid skreg file"):
        skreg.load(path)
    for use in (partial(skreg.save, fitted), skreg.load):
        with pytest.raises(TypeError, match="expected str, bytes or os.PathLike"):
            use(3)


def test_extended_attributes_stay(fitted, tmp_path):
    path = tmp_path / "net"
    skreg.save(fitted, path)
    try:
        os.setxattr(path, "user.note", b"of mine")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    skreg.save(fitted, path)
    assert os.getxattr(path, "user.note") == b"of mine"


# --- reading


@DEVICES
@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full", "/dev/null"])
def test_devices_are_not_read(path):
    message = f"{path} is not a valid skreg file: it is a device or a pipe"
    with pytest.raises(ValueError, match=message):
        skreg.load(path)
    for seed in (0, None):
        with pytest.raises(ValueError, match=message):
            network(checkpoint=path, random_state=seed).fit(X, Y)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is not a valid skreg file: it is a dev"):
        skreg.load(tmp_path / "pipe")


# --- checkpoints, before training


def below_a_file(folder):
    (folder / "file").write_text("mine")
    return folder / "file" / "net"


def a_folder(folder):
    (folder / "runs").mkdir()
    return folder / "runs"


def a_foreign_file(folder):
    (folder / "letter").write_text("Dear reader")
    return folder / "letter"


def weights(folder):
    network().fit(X, Y).save_weights(folder / "weights")
    return folder / "weights"


def a_loop(folder):
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def a_link_into_nowhere(folder):
    (folder / "link").symlink_to(folder / "none" / "net")
    return folder / "link"


def a_pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


PATHS = {
    "below a file": (below_a_file, "Not a directory"),
    "a folder": (a_folder, "Is a directory"),
    "a foreign file": (a_foreign_file, "letter is not a valid skreg file"),
    "weights": (weights, "it holds the 'weights' of a network"),
    "a loop": (a_loop, "symbolic links"),
    "a link into nowhere": (a_link_into_nowhere, "No such file"),
    "a pipe": (a_pipe, "it is a device or a pipe"),
    "too long": (lambda folder: folder / ("n" * 300), "name too long"),
    "too long for a folder": (
        lambda folder: folder / "new" / ("n" * 300) / "net",
        "name too long",
    ),
    "too long in the end": (lambda folder: folder / "{epoch:0300d}", "name too long"),
    "a character that no name has": (lambda folder: folder / "a\0b", "null"),
    "no name": (lambda folder: "", "It is a folder"),
    "where nothing can be made": (lambda folder: "/proc/none/net", "No such file"),
}


@pytest.fixture
def no_training(monkeypatch):
    def train(*arguments, **options):
        raise AssertionError("trains")

    monkeypatch.setattr(stacking, "train", train)


@pytest.mark.parametrize("l2", [1e-3, "auto"])
@pytest.mark.parametrize("kind", PATHS)
def test_an_unusable_path_is_found_before_training(kind, l2, tmp_path, request):
    make, why = PATHS[kind]
    path = make(tmp_path)
    request.getfixturevalue("no_training")
    before = everything_in(tmp_path)
    for seed in (0, None):
        own = network(checkpoint=path, l2=l2, random_state=seed)
        wanted = f"(?s)'checkpoint' parameter must be the path of a file.*Got .*{why}"
        with pytest.raises(ValueError, match=wanted):
            own.fit(X, Y)
    assert everything_in(tmp_path) == before


def deny_new_files(monkeypatch):
    def denied(path, flags, mode=0o777, really=os.open):
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return really(path, flags, mode)

    monkeypatch.setattr(places.os, "open", denied)


def test_a_folder_of_others_is_found_before_training(
    no_training, monkeypatch, tmp_path
):
    deny_new_files(monkeypatch)
    path = tmp_path / "new" / "folder" / "net"
    with pytest.raises(ValueError, match="'checkpoint' parameter.*Permission denied"):
        network(checkpoint=path, l2="auto").fit(X, Y)
    assert os.listdir(tmp_path) == []


def test_the_paths_of_all_members_are_looked_at(no_training, tmp_path):
    (tmp_path / "net-member1").write_text("Dear reader")
    with pytest.raises(ValueError, match="net-member1 is not a valid skreg file"):
        network(checkpoint=tmp_path / "net", l2="auto", n_members=2).fit(X, Y)
    assert os.listdir(tmp_path) == ["net-member1"]


def test_members_need_a_name(no_training):
    with pytest.raises(ValueError, match="'checkpoint' parameter.*It is a folder"):
        network(checkpoint="/", l2="auto", n_members=2).fit(X, Y)


def test_a_good_path_has_its_folder_and_nothing_else(no_training, tmp_path):
    path = tmp_path / "new" / "folder" / "net"
    for l2 in (1e-3, "auto"):
        with pytest.raises(AssertionError, match="trains"):
            network(checkpoint=path, l2=l2).fit(X, Y)
        assert list(tmp_path.rglob("*")) == [path.parent.parent, path.parent]


def test_what_the_earlier_fit_was_does_not_matter(monkeypatch, request, tmp_path):
    own = network(activation=lambda x: x).fit(X, Y)
    own.set_params(activation="relu", l2="auto", checkpoint=tmp_path / "net")
    request.getfixturevalue("no_training")
    with pytest.raises(AssertionError, match="trains"):
        own.fit(X, Y)


@pytest.mark.parametrize("kind", ["below a file", "a foreign file", "too long", "a\0b"])
def test_an_unusable_directory_of_a_search_is_found_at_once(kind, tmp_path):
    path = PATHS[kind][0](tmp_path) if kind in PATHS else tmp_path / kind
    before = everything_in(tmp_path)
    wanted = "'checkpoint' parameter must be the path of a directory in which"
    with pytest.raises(ValueError, match=wanted), stacked(checkpoint=path):
        raise AssertionError("goes on")
    assert everything_in(tmp_path) == before


def test_a_directory_of_others_is_found_at_once(monkeypatch, tmp_path):
    deny_new_files(monkeypatch)
    with (
        pytest.raises(ValueError, match="'checkpoint' parameter.*Permission denied"),
        stacked(checkpoint=tmp_path / "new"),
    ):
        raise AssertionError("goes on")
    assert os.listdir(tmp_path) == []
