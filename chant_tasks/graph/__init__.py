"""What each spec waits for, in which order specs can be worked, and which cannot be worked at all, and why."""

from chant_tasks.graph.model import Cycle, EmptyDriver, Graph, GraphNode, MissingDependency, Needs, Problem
from chant_tasks.graph.plan import plan_graph

__all__ = ["Cycle", "EmptyDriver", "Graph", "GraphNode", "MissingDependency", "Needs", "Problem", "plan_graph"]
