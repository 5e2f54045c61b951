"""A `View` as the TOML that `priors.read_view` reads back."""

from __future__ import annotations

from .bibliography import PROVENANCE, Stated
from .families import FAMILIES, Prior
from .views import View

__all__ = ["to_toml"]


def to_toml(view: View) -> str:
    """The view as a TOML file that `read_view` reads back to the same entries.

    Parameters
    ----------
    view : View
        A view, as read or edited.

    Returns
    -------
    str
        The text of the file.

    Examples
    --------
    >>> view = sie.read_view("davidson_2025").replace(sigma=sie.fixed(0.7))
    >>> size = Path("mine.toml").write_text(sie.to_toml(view), encoding="utf-8")
    """
    import tomlkit

    document = tomlkit.document()
    document.update({"label": view.label, "source": view.source, "reflects": list(view.reflects)})
    for name, entry in view.entries.items():
        own = {"reached": True} if entry.reached else {}
        own |= {"against": entry.against} if entry.against else {}
        document[name] = {**_prior_keys(entry.prior), "unit": entry.unit, **own, **_provenance(entry)}
    for name, table in view.exogenous.items():
        document[name] = {**table.numbers, **_provenance(table)}
    if view.concludes:
        document["concludes"] = {
            name: {
                **conclusion.numbers,
                **({"says": conclusion.says} if conclusion.says else {}),
                **_provenance(conclusion),
            }
            for name, conclusion in view.concludes.items()
        }
    if view.correlations:
        document["correlations"] = [
            {"between": list(item.between), "rank": item.rank, **_provenance(item)}
            for item in view.correlations
        ]
    return tomlkit.dumps(document)


def _prior_keys(prior: Prior) -> dict:
    if prior.family != "mixture":
        return {"family": prior.family, **dict(zip(FAMILIES[prior.family], prior.numbers, strict=True))}
    import tomlkit

    parts = tomlkit.array()
    for part in prior.parts:
        inline = tomlkit.inline_table()
        inline.update(_prior_keys(part))
        parts.append(inline)
    return {"family": prior.family, "weights": list(prior.numbers), "parts": parts}


def _provenance(item: Stated) -> dict[str, str]:
    return {key: value for key in PROVENANCE if (value := getattr(item, key))}
