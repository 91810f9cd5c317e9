"""What the tests of the page's build share."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
STAND_IN = ROOT / "tests" / "http" / "page"
"""A page as the build leaves one, but small and always there."""

PACKAGE = '{"name": "page", "version": "1.0.0", "scripts": {"build": "node build.mjs"}}'
LOCK = (
    '{"name": "page", "version": "1.0.0", "lockfileVersion": 3, "requires": true,'
    ' "packages": {"": {"name": "page", "version": "1.0.0"}}}'
)

BUILD = """
import fs from "node:fs";
fs.appendFileSync("../built.log", "built\\n");
const out = "../api/static";
if (fs.existsSync("src/broken")) {
  fs.writeFileSync(out + "/assets/app-00112233.js", "half");
  throw new Error("the source is broken: ünlü");
}
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out + "/assets", { recursive: true });
fs.writeFileSync(out + "/assets/app-00112233.js", fs.readFileSync("src/main.js"));
if (!fs.existsSync("src/headless")) fs.writeFileSync(out + "/index.html", "<!doctype html>");
if (fs.existsSync("src/stray")) fs.writeFileSync(out + "/robots.txt", "");
if (fs.existsSync("src/moving")) fs.writeFileSync("src/main.js", "changed while it was built");
"""
"""A bundler in a few lines, which goes wrong in the ways that a test asks for."""


def builds(root: Path) -> int:
    log = root / "built.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path
