"""What happens while doit works tasks: choosing, dispatching, the steps as actions, saving, signals."""
