"""How a command ends that was interrupted: with one line and the status that shells know, and no traceback."""


def end_interrupted() -> int:
    """Say that the command was interrupted; its exit status."""
    from chant_tasks.doit_plugin.run.signals import find_status, say_interrupted  # here: it is rarely needed

    say_interrupted()
    return find_status() or 130
