"""Whether a view's posteriors are calibrated, where its calibration was given: ranks, coverage of r at ASARA, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...returns.inputs import levels_in
from ..page import Cell, Figure, Line, Paragraph, Section, Table
from .contents import Contents, slug

if TYPE_CHECKING:
    from ..calibration_record import Record

__all__ = ["calibration"]


def calibration(contents: Contents) -> list[Section]:
    """One section a calibrated view; none where no calibration was given."""
    if not contents.calibrations:
        return []
    results = {result.view.name: result for result in contents.results}
    found = [Section(name="calibration", title="Calibration", blocks=[Paragraph(lines=_WHAT)])]
    for record in contents.calibrations:
        result = results[record.view]
        same = record.inputs_sha256 == result.inputs_sha256
        levels = levels_in(result.rows) if result.rows is not None else None
        blocks = [
            Paragraph(lines=_verdict(record, same, levels is None or dict(levels) == dict(record.levels))),
            *_figures(record),
            _coverage(record),
            _events(record),
            _ranks(record),
            Paragraph(lines=Line(f"SHA-256 of its inputs: {record.inputs_sha256}", kind="small")),
        ]
        name = f"calibration-{slug(record.view)}"
        found.append(Section(name=name, title=record.label, blocks=blocks, level=3))
    return found


_WHAT = (
    "Worlds are drawn from the view's priors; each makes its own evidence, which is fitted as the real evidence is. Where model and sampler are right, the "
    "truth ranks evenly among the posterior draws of every quantity, intervals hold it as often as they say, and events happen as often as "
    "predicted (Talts et al. 2018). This speaks of the computation, not of the world: a calibrated model may still be wrong about AI."
)


def _verdict(record: Record, same_inputs: bool, same_levels: bool) -> Cell:
    attrs = record.table.attrs
    outside, chance = int(record.table.outside.sum()), attrs["outside_by_chance"]
    lines = [
        Line("Calibrated." if attrs["calibrated"] else "Not calibrated.", kind="strong"),
        Line(
            f"{outside} of {record.table.sizes['quantity']} quantities lie outside their 95 % band; by chance alone more than {chance} do in 1 of 100 calibrations."
        ),
        Line(
            f"{attrs['runs']} worlds, {attrs['lost']} lost, {record.found.attrs['divergences']} divergences; seed {record.seed}; made with sie {record.versions.get('sie', '?')}."
        ),
    ]
    if record.varied.words:
        lines.append(Line(f"Of another model than this page's: the view{record.varied.words}."))
    if record.date is not None:
        lines.append(Line(f"Dated {record.date}."))
    if same_levels and not same_inputs:  # the hash covers levels
        lines.append(
            Line(
                "The view or an evidence file has changed since: this is not a calibration of the numbers on this page.",
                kind="strong",
            )
        )
    if not same_levels:
        lines.append(
            Line("Domains entered at other levels than on this page.", kind="strong"),
        )
    return tuple(lines)


def _figures(record: Record) -> list[Figure]:
    from ...plots.calibration import plot_happened, plot_ranks
    from ...plots.style import as_svg

    table = record.table
    largest = abs(table.ecdf_difference).max("at")
    worst = str(largest.quantity.values[int(largest.argmax("quantity"))])
    drawn = {
        "ranks": (
            plot_ranks(table, narrow=True),
            "Share of worlds whose truth ranks below a point, less the share expected, one line a quantity",
            f"The largest difference is {float(largest.max()):.3f}, of {worst}; {int(table.outside.sum())} lines leave the band.",
        ),
        "happened": (
            plot_happened(table, narrow=True),
            "How often each event happened in the worlds, beside its mean posterior probability",
            f"The largest difference is {float(abs(table.z).max()):.1f} standard errors.",
        ),
    }
    return [
        Figure(
            caption=caption,
            alt=f"{record.label}. {caption}. {alt}",
            svg=as_svg(ax, salt=f"{record.view} {name}"),
        )
        for name, (ax, caption, alt) in drawn.items()
    ]


def _coverage(record: Record) -> Table:
    runs = record.table.attrs["runs"]
    rows = [
        [f"{mass:.0%}", f"{coverage:.1%}", f"{100 * (mass * (1 - mass) / runs) ** 0.5:.1f} points"]
        for mass, coverage in zip(
            record.table.mass.values.tolist(), record.table.coverage.values.tolist(), strict=True
        )
    ]
    return Table(
        caption="How often the true r at ASARA lies in its central posterior interval",
        columns=["interval", "share of worlds", "standard error of chance"],
        rows=rows,
        numbers=True,
    )


def _events(record: Record) -> Table:
    table = record.table
    rows = [
        [name, f"{100 * p:.1f}", f"{100 * happened:.1f}", f"{z:+.1f}"]
        for name, p, happened, z in zip(
            *(table[what].values.tolist() for what in ("event", "predicted", "happened", "z")), strict=True
        )
    ]
    return Table(
        caption="Events: mean posterior probability and share of worlds in which they happened, in %",
        columns=["event", "predicted", "happened", "difference in standard errors"],
        rows=rows,
        numbers=True,
    )


def _ranks(record: Record) -> Table:
    table = record.table
    largest = abs(table.ecdf_difference).max("at").values.tolist()
    rows = [
        [name, f"{difference:.3f}", "outside" if outside else "within", f"{p:.3f}"]
        for name, difference, outside, p in zip(
            table.quantity.values.tolist(),
            largest,
            table.outside.values.tolist(),
            table.p_value.values.tolist(),
            strict=True,
        )
    ]
    return Table(
        caption="Ranks of the truth: largest difference from even ranks, whether the whole curve lies in its 95 % band, and a test of evenness",
        columns=["quantity", "largest difference", "95 % band", "p value"],
        rows=rows,
        numbers=True,
    )
