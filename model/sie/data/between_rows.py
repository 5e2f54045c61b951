"""What must hold between the rows of evidence: an id of its own each, one preferred row of shared data, histories that are there."""

from __future__ import annotations

import math

from ..base.errors import Problems, plain

__all__ = ["check_histories", "check_ids", "check_preferred"]


def check_ids(rows: list[dict]) -> None:
    """No two rows have the same id."""
    seen: dict[str, str] = {}
    with Problems() as problems:
        for row in rows:
            if row["id"] in seen:
                want = f"an id of its own ({seen[row['id']]} has it)"
                problems.refuse(f"{row['where']} id", row["id"], want)
            seen.setdefault(row["id"], row["where"])


def check_preferred(rows: list[dict]) -> None:
    """Exactly one preferred row for each output data set among the rows of one level.

    Factors and inputs stand with estimates of r.
    """
    of_data: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        kind = "r" if row["kind"] in ("factor", "input") else row["kind"]
        of_data.setdefault((kind, row["output_data"]), []).append(row)
    with Problems() as problems:
        for (_, data), alike in of_data.items():
            preferred = [row for row in alike if row["preferred"]]
            for row in preferred[1:]:
                found = plain(f"{preferred[0]['id']} preferred too for {data}")
                problems.refuse(f"{row['where']} preferred", found, "exactly one preferred row")
            if not preferred:
                found = plain(f"no preferred row for {data}")
                problems.refuse(f"{alike[0]['where']} preferred", found, "exactly one preferred row")


def check_histories(rows: list[dict]) -> None:
    """The history of a factor is one whose growth is known; what was measured where the growth of compute is known states no ratio."""
    growth = {row["input_data"]: row["growth"] for row in rows if row["kind"] == "growth"}
    with Problems() as problems:
        for row in rows:
            if row["history"] and row["history"] not in growth:
                want = "an input_data of growth.csv: " + ", ".join(growth)
                problems.refuse(f"{row['where']} history", row["history"], want)
            compute = growth.get(row["input_data"], [[math.nan]])[-1]
            if (
                row["kind"] in ("r", "series")
                and not math.isnan(row["ratio"][0])
                and not math.isnan(compute[0])
            ):
                want = f"nothing (growth.csv has the growth of compute of {row['input_data']})"
                problems.refuse(f"{row['where']} ratio_q05", row["ratio"][0], want)
