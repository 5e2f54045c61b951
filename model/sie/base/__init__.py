"""What every room may use and nothing that knows the project's data: exceptions, files, readers of text, TOML and JSON, tasks on a
cluster, compiled kernels, convergence statistics."""

__all__ = [
    "cluster",
    "errors",
    "exit_codes",
    "files",
    "imports",
    "interrupts",
    "kernels",
    "pytensor_folder",
    "reading",
    "stats",
    "stores",
    "tasks",
]
