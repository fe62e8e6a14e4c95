"""A first look, before anything is served: does the network open, and does this processor get its numbers right?"""

from __future__ import annotations

from collections.abc import Callable

from services.embedder.images import to_png
from services.embedder.model import Model, canary_picture
from services.embedder.plan import OnnxPlan, Plan
from services.embedder.sight import Picture, Sighting
from services.embedder.sight_process import ProcessSight
from services.errors import NotReady


async def tried(model: Model, plan: Plan, start: Callable[[Plan], ProcessSight]) -> tuple[Plan, ProcessSight]:
    """The plan to use, and a process that opens by it. An int8 network whose canary is off is opened again for
    processors whose int8 overflows. What is off all the same is served, and says so by its health: NOT_SERVING.

    Raises Refused when the network is not as its manifest says, NotReady when the process does not start.
    """
    first = start(plan)
    try:
        await first.ready()
        if not isinstance(plan, OnnxPlan) or model.card.precision != "int8" or await _is_right(model, first):
            return plan, first
    except BaseException:
        await first.close()
        raise
    await first.close()
    careful = plan.careful()
    return careful, start(careful)


async def _is_right(model: Model, sight: ProcessSight) -> bool:
    (outcome,) = await sight.see([Picture(to_png(canary_picture(model.card.input_pixels)), ours=True)])
    if not isinstance(outcome, Sighting):
        raise NotReady(f"the canary cannot be seen: {outcome.message}", reason="EYE_NOT_READY")
    try:
        model.check(outcome.seen)
    except NotReady:
        return False
    return True
