"""Where things are: everything is relative to the repository, so that a copy of it tests itself."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OPENAPI = ROOT / "openapi" / "openapi.yaml"
BUNDLED = ROOT / "generated_client" / "paydown_wire" / "openapi.json"
EVIDENCE = ROOT / "tests" / "contract" / "evidence"
VECTORS = ROOT / "tests" / "contract" / "vectors"
REPORTS = ROOT / "reports" / "contract"
