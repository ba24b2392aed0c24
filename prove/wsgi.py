"""The application that gunicorn serves in the proof: the product's, with what `injection` adds."""

from config.wsgi import application as product
from prove import process_mutations
from prove.injection import install, with_failpoint

application = with_failpoint(product, install("web"))
process_mutations.apply_in_process()
