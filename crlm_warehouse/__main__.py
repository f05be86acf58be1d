"""`python -m crlm_warehouse` is `crlm`."""

from crlm_warehouse import main

main()
