"""The rules of the tree that no single module can see: who imports whom, what is written twice and has to agree."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from postroad import config
from postroad.config import Settings, variable_of
from postroad.greenmail import API, PORTS
from tests.covered import engines

ROOT = Path(__file__).parents[1]
SERVICES = ROOT / "services"
TESTED_WITH, CONSTRAINTS = ROOT / "tests" / "requirements.txt", SERVICES / "constraints.txt"
PACKAGES = {
    "common": "postroad",
    "stack": "postroad_stack",
    "dns": "postroad_dns",
    "relay": "postroad_relay",
    "store": "postroad_store",
    "web": "postroad_web",
}
KIT = {"postroad_kit", "pytest_postroad"}  # of one distribution, kit/, which needs none of the services
MODULES = [
    path
    for folder in (
        *(SERVICES / folder / package for folder, package in PACKAGES.items()),
        *(ROOT / "kit" / package for package in KIT),
    )
    for path in sorted(folder.rglob("*.py"))
]
BESIDE = [path for pattern in ("tests/**/*.py", "bench/*.py", "examples/*/*.py") for path in sorted(ROOT.glob(pattern))]
MOST_LINES = 400
NAMELESS = {"one", "found", "made"}

# The modules that each library is imported by: few, so that it can be seen through or replaced.
USED_IN = {
    "dnslib": {"postroad_dns.wire"},
    "dns": {"postroad_relay.delivery.resolver"},
    "aiosmtpd": {"postroad.smtp.server.lifecycle"},
    "twisted": {
        f"postroad_store.protocol.{module}"
        for module in ("compression", "connection", "listener", "reactor", "tls", "transport")
    },
    "OpenSSL": {"postroad_store.protocol.tls"},
    "cryptography": {"postroad_stack.certificates", "postroad_stack.constraints", "postroad_store.protocol.tls"},
    "h11": {
        "postroad.control.client",
        "postroad.control.connection",
        "postroad.control.line",
        "postroad_web.mailpit.linkcheck",
        "postroad_web.webhooks.sender",
    },
    "prometheus_client": {"postroad_web.api.families", "postroad_web.api.metrics"},
    "uvloop": {"postroad_dns.control", "postroad_relay.__main__", "postroad_store.__main__", "postroad_web.__main__"},
}

# What an engine (pyproject.toml) never imports.
WORLDLY = {"asyncio", "os", "random", "secrets", "selectors", "signal", "socket", "sqlite3", "ssl", "threading", "time"}


def name_of(path: Path) -> str:
    """Return the module's dotted name."""
    parts = path.relative_to(SERVICES if path.is_relative_to(SERVICES) else ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules that are imported for more than their types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            imported |= submodules or {node.module or ""}
    return frozenset(imported)


def test_services_never_import_each_other() -> None:
    packages = set(PACKAGES.values())
    for path in MODULES:
        own = name_of(path).partition(".")[0]
        foreign = {module for module in imports_of(path) if module.partition(".")[0] in packages - {own, "postroad"}}
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


def test_the_kit_imports_the_standard_library_alone() -> None:
    """A test kit must not decide which libraries its users have."""
    for path in MODULES:
        if (own := name_of(path).partition(".")[0]) in KIT:
            further = {"pytest"} if own == "pytest_postroad" else {"django"} if path.stem == "django" else set()
            foreign = (
                {module.partition(".")[0] for module in imports_of(path)} - sys.stdlib_module_names - KIT - further
            )
            assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"
    program = "import sys, pytest_postroad.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "postroad_kit" not in done.stdout.split(), "every run of pytest would load the kit"


def test_imports_never_go_in_circles() -> None:
    """Raise `CycleError`, with the circle, if they do; imports for types alone do not count."""
    graphlib.TopologicalSorter({name_of(path): imports_of(path) & NAMES for path in MODULES}).prepare()


@pytest.mark.parametrize("library", USED_IN)
def test_libraries_are_imported_where_they_are_meant_to_be(library: str) -> None:
    users = {
        name_of(path) for path in MODULES if any(module.partition(".")[0] == library for module in imports_of(path))
    }
    assert users <= USED_IN[library]


def test_a_client_of_smtp_loads_no_server() -> None:
    """Imports that follow one another would do so unseen."""
    program = "import sys, postroad.smtp.client.session; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "postroad.smtp.client.session" in loaded
    assert not loaded & {"aiosmtpd", "twisted", "postroad.smtp.server.server", "postroad.smtp.server.connection"}


def test_the_store_loads_no_client_of_smtp() -> None:
    """The extensions of SMTP are for both sides, each in one file, but what they load need not be."""
    program = "import sys, postroad_store.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not set(done.stdout.split()) & {"postroad.smtp.client.engine", "postroad.smtp.client.session"}


@pytest.mark.parametrize("package", engines())
def test_engines_touch_nothing(package: str) -> None:
    by_name = {name_of(path): path for path in MODULES}
    for name in engines()[package]:
        worldly = {module.partition(".")[0] for module in imports_of(by_name[f"{package}.{name}"])} & WORLDLY
        assert not worldly, f"{package}.{name} imports {worldly}"


def test_modules_are_of_one_noun() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_variables_say_what_they_are() -> None:
    """CONTRIBUTING: names are words, `recipient` and not `one`."""
    nameless: set[str] = set()
    for path in [*MODULES, *BESIDE]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.MatchAs(name=str(name)):
                    if name in NAMELESS:
                        nameless.add(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    assert nameless == set()


def test_nobody_keeps_the_time_of_a_clock_but_asks_it() -> None:
    """A push puts other functions in the place of `now` and `monotonic` (`postroad.clock`)."""
    kept: set[str] = set()
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(
                    value=ast.Name(id="clock") | ast.Attribute(attr="clock" | "_clock"), attr="now" | "monotonic"
                ):
                    if id(node) not in called:
                        kept.add(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert kept == set()


def test_every_package_says_that_it_is_typed() -> None:
    for folder, package in PACKAGES.items():
        assert (SERVICES / folder / package / "py.typed").is_file()
    for package in KIT:
        assert (ROOT / "kit" / package / "py.typed").is_file()


# What is written twice


def test_env_example_is_what_the_code_prints() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == config.example()


def test_compose_hands_every_setting_to_the_containers() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    given = dict(re.findall(r"^  ([A-Z0-9_]+):(.*)$", text, re.MULTILINE))
    settings = {variable_of(setting): setting.metadata for setting in dataclasses.fields(Settings)}
    assert given.keys() == settings.keys()
    for name, metadata in settings.items():
        value = given[name].strip().strip('"')
        if name == "POSTROAD_NETWORK":
            value = value.removeprefix("${POSTROAD_NETWORK:-").removesuffix("}")
        assert value == (metadata["compose"] or ""), name


def test_compose_publishes_the_ports_of_the_settings_on_loopback_alone() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    ports = re.findall(r"^      - (.*:\d+(?:/\w+)?)$", text, re.MULTILINE)
    published = {}
    for port in ports:
        match = re.fullmatch(r"127\.0\.0\.1:\$\{(POSTROAD_\w+):-(\d+)\}:(\d+)(?:/(?:udp|tcp))?", port)
        assert match is not None, port
        published[match[1]] = (match[2], match[3])
    assert published == {
        f"POSTROAD_{setting.name.upper()}": (setting.metadata["default"], setting.metadata["compose"])
        for setting in dataclasses.fields(Settings)
        # the control doors and LMTP are for the containers alone
        if setting.name.endswith("_port") and setting.metadata["compose"] and setting.name != "lmtp_port"
    }


def test_the_examples_publish_the_ports_of_other_mail_catchers_on_loopback_alone() -> None:
    def published(example: str) -> set[str]:
        text = (ROOT / "examples" / example / "docker-compose.yml").read_text(encoding="utf-8")
        return set(re.findall(r"^      - (\S+)$", text, re.MULTILINE))

    assert published("greenmail") == {f"127.0.0.1:{port}:{port}" for port in (*PORTS.values(), API)}
    assert published("mailhog") == {"127.0.0.1:8125:8125"}


def test_compose_has_the_hosts_of_the_world() -> None:
    """Each container has the address of its host, and the host's name as an alias for those who join the network."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    addresses = re.findall(r"ipv4_address: \$\{POSTROAD_NETWORK:-[\d.]+\}\.(\d+)\n +aliases: \[([\w.]+)\]", text)
    hosts = tomllib.loads((SERVICES / "world.toml").read_text(encoding="utf-8"))["hosts"]
    assert {name: int(address) for address, name in addresses} == {
        name: host["address"] for name, host in hosts.items()
    }


def test_one_release_has_one_number() -> None:
    """Each distribution has the same version, and asks for just this version of the others."""
    versions = set()
    for folder in (*(SERVICES / folder for folder in PACKAGES), ROOT / "kit"):
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        versions.update(re.findall(r'^version = "(.*)"$', text, re.MULTILINE))
        versions.update(re.findall(r'"postroad[\w-]*==([\w.]+)"', text))
    assert len(versions) == 1


def test_libraries_give_ranges() -> None:
    """Postroad can be installed next to other things: libraries are not held to our pins."""
    for folder in (*(SERVICES / folder for folder in PACKAGES), ROOT / "kit"):
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for requirement in map(Requirement, project["dependencies"]):
            operators = {specifier.operator for specifier in requirement.specifier}
            if not requirement.name.startswith("postroad"):
                assert operators & {">=", "~="}, f"{folder}: {requirement} has no lower bound"
                assert not operators & {"==", "==="}, f"{folder}: {requirement}"


def test_all_that_is_installed_is_pinned() -> None:
    """What our dependencies depend on in turn, too."""
    texts = [path.read_text(encoding="utf-8") for path in (TESTED_WITH, CONSTRAINTS)]
    pins = {canonicalize_name(name) for text in texts for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    tools = TESTED_WITH.read_text(encoding="utf-8").splitlines()
    wanted = {Requirement(line).name for line in tools if not line.startswith("#")}
    waiting = [*wanted, *(f"postroad-{folder}" for folder in PACKAGES if folder != "common")]
    seen: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in seen:
            seen.add(name)
            needs = map(Requirement, importlib.metadata.requires(name) or [])
            waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    assert len(seen) > len(wanted)
    assert {name for name in seen if not name.startswith("postroad")} <= pins


def test_the_walk_through_the_code_names_files_that_exist() -> None:
    """A path that does not begin at a service is in the folder of the one before it, or in one above that."""
    homes = {"postroad": SERVICES / "common" / "postroad"}
    homes |= {name: SERVICES / name / f"postroad_{name}" for name in PACKAGES if name != "common"}
    console = SERVICES / "web" / "console" / "src"
    homes |= {folder.name: console / folder.name for folder in console.iterdir() if folder.is_dir()} | homes
    text = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
    names = 0
    for section in re.split(r"^#+ ", text, flags=re.MULTILINE):
        folders: list[Path] = [console]  # from the one of the file before upwards
        base: list[Path] = []  # of the whole section, if it says so
        for all_in, name in re.findall(r"(are in )?`([\w/]+(?:/|\.(?:py|tsx?)))`", section):
            first, _, rest = name.partition("/")
            if first in {"services", "kit"}:
                places = [ROOT / name]
            elif rest and first in homes:
                places = [homes[first] / rest]
            else:
                places = [folder / name for folder in (*folders, *base)]
            place = next((place for place in places if place.exists()), None)
            assert place is not None, f"docs/flow.md names {name}"
            names += 1
            folder = place if name.endswith("/") else place.parent
            folders = [folder, *(each for each in folder.parents if each.is_relative_to(SERVICES))]
            if all_in:
                base = [folder]
    assert names > 300


@pytest.mark.parametrize("folder", PACKAGES)
def test_the_page_of_a_service_names_all_its_modules(folder: str) -> None:
    text = (SERVICES / folder / "README.md").read_text(encoding="utf-8")
    package = SERVICES / folder / PACKAGES[folder]
    names = {path.stem for path in MODULES if path.parent == package and not path.stem.startswith("_")}
    names |= {
        f"{path.parent.name}/" for path in MODULES if path.name == "__init__.py" and path.parent.parent == package
    }
    assert {name for name in names if f"`{name}" not in text} == set()


def test_all_options_of_greenmail_are_listed() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = (SERVICES / "common" / "postroad" / "greenmail.py").read_text(encoding="utf-8")
    for name in set(re.findall(r'"(greenmail\.[a-z_.]+)"', code)):
        assert f"-D{name}" in text, name


# Standards


def test_every_cited_rfc_is_in_the_list_of_standards() -> None:
    standards = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"RFC (\d{3,5})", standards))
    missing: dict[str, list[str]] = {}
    for path in MODULES:
        for number in set(re.findall(r"RFC (\d{3,5})", path.read_text(encoding="utf-8"))) - listed:
            missing.setdefault(number, []).append(name_of(path))
    assert missing == {}
