"""ARCHITECTURE.md against the tree: its inventory has every module, and what it names exists."""

import ast
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


def name_of(file):
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


NAMES = {name_of(file): file for file in PACKAGE.rglob("*.py")}
"""Every module of the package by its name, ("growth", "paths")."""


def imported(file):
    """The modules of the package that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = file.relative_to(PACKAGE).parts[: -node.level]
            module = (*folder, *(node.module or "").split(".")) if node.module else folder
            for alias in node.names:
                yield (*module, alias.name) if (*module, alias.name) in NAMES else module


def face(room):
    """`__all__` of a room."""
    for node in ast.parse(NAMES[room].read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def beyond_faces(module, target):
    """The parts of a target's name that the rooms it is in do not list in `__all__`, of the rooms that `module` is not in."""
    rooms = [target[:depth] for depth in range(1, len(target))]
    return [room for room in rooms if module[: len(room)] != room and target[len(room)] not in face(room)]


def test_other_rooms_use_only_the_modules_that_a_room_lists():
    pairs = {(name, target) for name, file in NAMES.items() for target in imported(file)}
    pairs |= {((), tuple(module.split("."))) for module in sie._MODULES}
    assert len(pairs) > 300
    assert [pair for pair in sorted(pairs) if beyond_faces(*pair)] == []


def test_a_room_lists_modules_that_exist_and_that_others_use():
    used = {(name, target) for name, file in NAMES.items() for target in imported(file)}
    used |= {((), tuple(module.split("."))) for module in sie._MODULES}
    for room, file in NAMES.items():
        if not room or file.name != "__init__.py" or "import" in file.read_text(encoding="utf-8"):
            continue  # not a face, or one that defines names itself
        for listed in face(room):
            assert any(
                target[: len(room) + 1] == (*room, listed) and name[: len(room)] != room
                for name, target in used
            ), (room, listed)
