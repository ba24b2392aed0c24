"""The chapters of the Postman collection, in the order in which they run.

Every operation of the schema is in one of them, and each step finds what it needs in those before
it. What ends something comes last. Each run makes accounts of its own.
"""

from api.clients.postman import accounts, holding, paying, platform, wallets
from api.clients.postman.steps import Step

CHAPTERS: dict[str, tuple[Step, ...]] = {
    "1 Is it there?": accounts.SERVICE,
    "2 A client and a company": accounts.ACCOUNTS,
    "3 A wallet and its money": wallets.CASH,
    "4 Wallets as resources": wallets.RESOURCES,
    "5 Charges, approvals and pay tokens": paying.CHARGES,
    "6 Payment requests": paying.REQUESTS,
    "7 Holds": holding.HOLDS,
    "8 Queued instead of done": platform.QUEUE,
    "9 Credits of a platform": platform.PLATFORM,
    "10 Limits of an account": platform.LIMITS,
    "11 Fees of a company": platform.FEES,
    "12 Endings": accounts.ENDINGS,
}
STEPS = tuple(step for steps in CHAPTERS.values() for step in steps)
#: The variables that no step sets: the rest is made by the run.
GIVEN = {"baseUrl": "http://127.0.0.1:8000", "platformToken": ""}
