"""The application that gunicorn serves during the proof: the product's, with what `inside` adds."""

from config.wsgi import application as product
from prove import sabotage
from prove.inside import install, with_failpoint

application = with_failpoint(product, install("web"))
sabotage.apply_in_process()
