"""Write the pages that are made from code: Python docstrings, the sandbox's choices and its control API."""
