"""How Sphinx builds the documentation: `make docs`."""

import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from sphinx_gallery.sorting import ExplicitOrder

import skreg

# The guide's pages in the order in which they teach; the gallery's follow.
PAGES = [
    "first_steps.py",
    "over_and_underfitting.py",
    "splitting_data.py",
    "which_remedy.py",
    "model_size.py",
    "initializers.py",
    "optimizers.py",
    "schedules.py",
    "batch_normalisation.py",
    "l1_and_l2.py",
    "feature_selection.py",
    "weight_decay.py",
    "activity_penalties.py",
    "dropout.py",
    "noise.py",
    "mixup.py",
    "label_smoothing.py",
    "early_stopping.py",
    "ensembles.py",
    "searching.py",
    "how_stacks_work.py",
    "saving_and_deploying.py",
    "clusters.py",
    "reproducibility.py",
    "sonar_search.py",
    "*",
]

project = "skreg"
author = "the skreg developers"
copyright = "2026, the skreg developers"
version = release = skreg.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "guide", "**/GALLERY_HEADER.rst"]
nitpicky = False
smartquotes = False
default_role = "py:obj"

templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["skreg.css"]
html_sidebars = {"*": []}  # pages without others below them have no list of those
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skreg"},
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# coming_from.md and design.md are read on their own, too.
suppress_warnings = ["config.cache"]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say more
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": ["guide", "../examples"],
    "gallery_dirs": ["learn", "gallery"],
    "filename_pattern": r"\.py",
    "subsection_order": ExplicitOrder(
        ["guide/understanding", "guide/remedies", "guide/working", "*"]
    ),
    "within_subsection_order": ExplicitOrder(PAGES),
    "nested_sections": True,
    "doc_module": ("skreg",),
    "backreferences_dir": "backreferences",
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "capture_repr": ("_repr_html_",),
    "plot_gallery": True,
    "abort_on_example_error": False,
    "parallel": 2,
    "reset_modules_order": "after",
}
warnings.filterwarnings("ignore", message=".*agg.*cannot show the figure.*")


def _is_inherited_from_scikit_learn(app, what, name, obj, skip, options):
    """Leave out methods that scikit-learn documents, with references to its pages."""
    module = getattr(obj, "__module__", None) or ""
    return True if module.startswith("sklearn.") else None


def setup(app):
    app.connect("autodoc-skip-member", _is_inherited_from_scikit_learn)
