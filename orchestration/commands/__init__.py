"""The commands of `crlm`, by whose work they are; `orchestration.command_line` gathers them."""
