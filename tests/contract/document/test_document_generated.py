"""The generated client against the generator: it is what `openapi/` and the templates say, to the byte."""

from generator import file_tree as tree
from generator.pipeline import produce
from tests.contract.support.places import OPENAPI, ROOT


def test_the_generated_client_is_what_the_document_and_the_templates_say() -> None:
    """
    Made anew, every file is the same to the byte: a change of document, generator or templates that was not
    generated, and a change by hand of what was, are both found here.
    """
    target = ROOT / "generated_client"
    with produce(OPENAPI.parent, target) as product:
        difference = tree.compare(tree.read(target), product.files)
    assert not difference, f"run `make generate`, or take back what was changed by hand: {difference}"
