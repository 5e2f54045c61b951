"""ARCHITECTURE.md against the tree: its inventory has every module, and what it names exists."""

import re
from pathlib import Path

import sie

PACKAGE = Path(sie.__file__).parent
TEXT = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")


def modules(room):
    names = {path.stem for path in room.glob("*.py")} - {"__init__"}
    return names | {f"{path.name}/" for path in room.iterdir() if (path / "__init__.py").exists()}


def test_the_inventory_has_every_module_of_every_room():
    listed = dict(re.findall(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]+) \|$", TEXT, re.MULTILINE))
    rooms = {name for name in modules(PACKAGE) if name.endswith("/")}
    assert rooms <= {f"{name}/" for name in listed}
    for name, inventory in listed.items():
        assert set(inventory.split(", ")) == modules(PACKAGE / name), name


def test_every_module_and_function_that_it_names_exists():
    named = re.findall(r"`(\w+(?:/\w+)?)/(\w+)(?:\.(\w+))?(?:\([^)]*\))?`", TEXT)
    assert len(named) > 20
    for room, module, function in named:
        if not (PACKAGE / room).is_dir() or (PACKAGE / room / module).is_dir():  # a folder of data, or a room
            continue
        source = (PACKAGE / room / f"{module}.py").read_text(encoding="utf-8")
        assert not function or re.search(rf"^(def|class) {function}\b", source, re.MULTILINE), (
            module,
            function,
        )


def test_rooms_stand_in_the_order_in_which_they_may_import():
    layers = re.findall(
        r'^    "(\w+)",$',
        (Path(__file__).parents[1] / "pyproject.toml").read_text().split("layers = [")[1],
        re.MULTILINE,
    )
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE)
    assert listed == [name for name in reversed(layers) if name != "cli"]
