"""Which flows a simulated world can be made around."""

from pipeline.errors import InputError
from pipeline.plan import Plan


def check(plan: Plan) -> None:
    """Refuse a flow in which nothing would happen: what is simulated are quotes, and what becomes of orders."""
    if not any(hasattr(node.instance, "entry_cutoff_seconds") for node in plan.of("sink")):
        raise InputError(f"{plan.file} sends no orders, so there is nothing to simulate; give it an executor")
    for node in plan.of("operator"):
        if getattr(node.instance, "finals", "quotes") != "quotes":
            raise InputError(
                f'[{node.id}] finals is "{node.instance.finals}", and a simulated market gives quotes only; '
                "simulate a copy of the flow without finals"
            )
