"""The trail at the top of a page: the section of the sidebar, the record, the page."""

from django import template
from django.template.context import RequestContext

from support.navigation import section_of

register = template.Library()


@register.inclusion_tag("admin/trail.html", takes_context=True)
def trail(context: RequestContext) -> dict[str, object]:
    """Return `parts`, each a text as it is written and a URL; the last one is this page."""
    section = section_of(context["request"])
    parts = [] if section is None else [(section.title, section.url)]
    record = context.get("original")
    if record is not None:
        parts.append((str(record), "../change/"))
    title = context.get("title", "")
    if section is None or title != section.title:
        parts.append((str(title), ""))
    return {"parts": parts}
