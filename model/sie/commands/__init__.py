"""The commands of `sie`, one module each family; `cli` names them. They turn options into calls and results into text."""
