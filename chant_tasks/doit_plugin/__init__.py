"""The only code that knows doit: tasks, actions, reporter, commands."""
